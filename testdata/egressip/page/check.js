// What is wrong with the texts of the page, one line each: outside of the window, or with too little contrast.
(() => {
  const channel = value => value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const light = color => 0.2126 * channel(color[0]) + 0.7152 * channel(color[1]) + 0.0722 * channel(color[2]);
  const parse = text => text.match(/[\d.]+/g).map(Number);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) {
        return color;
      }
    }
    return [255, 255, 255];
  };
  const faults = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== "");
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (own.length === 0 || box.width === 0 || box.right < 0 || style.visibility === "hidden" || element.closest("noscript, title")) {
      continue;
    }
    const text = own[0].textContent.trim().slice(0, 30);
    if (box.right > innerWidth + 0.5) {
      faults.push(`"${text}" ends at ${box.right}`);
    }
    const color = parse(element instanceof SVGElement ? style.fill : style.color);
    const [one, other] = [light(color), light(behind(element))].sort((a, b) => b - a);
    if ((one + 0.05) / (other + 0.05) < 4.5) {
      faults.push(`"${text}" has the contrast ${((one + 0.05) / (other + 0.05)).toFixed(1)}`);
    }
  }
  return faults.join("\n");
})()
