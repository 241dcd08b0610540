using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using EgressRouter.Tools;
using EgressRouter.Tools.Pictures;
using Shared;

namespace EgressRouter.Tests.Tools;

/// <summary>The pictures of <c>explain --output svg</c>. Those of the examples are part of the documents.</summary>
public class PictureTests
{
    private const string Hostile = "</text><script>alert(1)</script>&quot;\"'\u202e\u0000\ud800\ufffe";

    private static readonly string[] _elements = ["svg", "title", "desc", "style", "rect", "path", "text"];

    private static readonly string[] _examples = NamesIn("cni-conf-examples", "*.json");

    public static TheoryData<string> Examples() => [.. _examples];

    [Theory]
    [MemberData(nameof(Examples))]
    public void The_picture_of_an_example_is_the_one_of_the_documents(string example)
    {
        string picture = Draw(File.ReadAllText(Repository.PathOf("cni-conf-examples", example + ".json")));
        Golden.VerifyFile(picture, Repository.PathOf("docs", "pictures", example + ".svg"));
        AssertReadable(picture);
    }

    /// <summary>A removed example leaves no picture.</summary>
    [Fact]
    public void Each_picture_has_an_example() => Assert.Equal(_examples, NamesIn("docs/pictures", "*.svg"));

    [Fact]
    public void Twelve_destinations_are_drawn_and_the_others_counted()
    {
        string picture = Draw(Config(ip => ip["destinations"] =
            new JsonArray([.. Enumerable.Range(1, 15).Select(port => (JsonNode)$"{port} tcp 203.0.113.{port}")])));
        AssertReadable(picture);
        Assert.Contains(">203.0.113.12<", picture, StringComparison.Ordinal);
        Assert.DoesNotContain("203.0.113.13", picture, StringComparison.Ordinal);
        Assert.Contains("and 3 more destinations", picture, StringComparison.Ordinal);
    }

    [Fact]
    public void The_longest_texts_stay_in_their_boxes()
    {
        const string network = "2001:1111:2222:3333:4444:5555:6666:";
        string picture = Draw(
            Config(
                ip =>
                {
                    ip["addresses"] = new JsonArray([.. Enumerable.Range(0x7771, 9).Select(host => (JsonNode)$"{network}{host:x}/128")]);
                    ip["gateways"] = new JsonArray($"{network}8888");
                    ip["destinations"] = new JsonArray($"60000-60100 sctp {network}9991", $"60000 tcp {network}9992 60001");
                },
                top =>
                {
                    top["name"] = new string('W', 300);
                    top["clusterInterface"] = "WWWWWWWWWWWWWWW";
                    top["interfaceArgs"] = new JsonObject { ["master"] = "WWWWWWWWWWWWWWW" };
                }),
            "wwwwwwwwwwwwwww");
        AssertReadable(picture);
        Assert.Contains("and 5 more", picture, StringComparison.Ordinal);
    }

    /// <summary>Names in a configuration may be those of an attacker.</summary>
    [Fact]
    public void Names_are_text_and_nothing_else()
    {
        string picture = Draw(Config(_ => { }, top =>
        {
            top["name"] = Hostile;
            top["clusterInterface"] = "<b>&\"'";
            top["interfaceArgs"] = new JsonObject { ["master"] = "<script>" };
        }));
        AssertReadable(picture);
        string[] texts = [.. XDocument.Parse(picture).Descendants().Where(element => element.Name.LocalName == "text")
            .Select(text => text.Value)];
        Assert.Contains("<b>&\"'", texts);
        Assert.Contains(texts, text => text.StartsWith("network </text><script>alert(1)</script>", StringComparison.Ordinal));
        Assert.Contains(texts, text => text.EndsWith("on <script>", StringComparison.Ordinal));
    }

    private static string[] NamesIn(string folder, string pattern) =>
        [.. Directory.GetFiles(Repository.PathOf(folder), pattern).Select(file => Path.GetFileNameWithoutExtension(file)!)
            .Order(StringComparer.Ordinal)];

    private static string Config(Action<JsonObject> changeIp, Action<JsonObject>? change = null)
    {
        var ip = new JsonObject
        {
            ["addresses"] = new JsonArray("192.168.12.99/24"),
            ["gateway"] = "192.168.12.1",
            ["destinations"] = new JsonArray("80 tcp 203.0.113.25"),
        };
        var top = new JsonObject { ["cniVersion"] = "0.4.0", ["type"] = "egress-router", ["name"] = "db", ["ip"] = ip };
        changeIp(ip);
        if (ip.ContainsKey("gateways"))
        {
            ip.Remove("gateway");
        }

        change?.Invoke(top);
        return top.ToJsonString();
    }

    private static string Draw(string config, string link = "net1")
    {
        var wanted = RouterDefinition.Read("-", new MemoryStream(Encoding.UTF8.GetBytes(config)), null, null);
        return PathPicture.Of(wanted, Explanation.Of(wanted, link, node: null));
    }

    /// <summary>
    /// The XML is well formed and self-contained. No text overlaps another one, or leaves the smallest box that it is in; all
    /// characters are taken to be as wide as those of a fixed-width font.
    /// </summary>
    private static void AssertReadable(string picture)
    {
        XElement root = XDocument.Parse(picture).Root!;
        Assert.All(root.DescendantsAndSelf(), element =>
        {
            Assert.Contains(element.Name.LocalName, _elements);
            Assert.DoesNotContain(
                element.Attributes(),
                attribute => attribute.Name.LocalName is "href" or "src"
                    || attribute.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        });
        Assert.DoesNotContain("url(", picture, StringComparison.Ordinal);
        Assert.DoesNotContain("@import", picture, StringComparison.Ordinal);
        Assert.All(picture, letter => Assert.True(letter is '\n' or (>= ' ' and <= '~'), $"U+{(int)letter:x4}"));
        string[] described = [.. root.Elements().Take(2).Select(element => element.Name.LocalName)];
        Assert.Equal(["title", "desc"], described);

        (string Text, Area Area, double X)[] texts =
            [.. Of(root, "text").Select(text => (text.Value, AreaOfText(text), Number(text, "x")))];
        Area[] boxes = [.. Of(root, "rect").Select(
            rect => new Area(Number(rect, "x"), Number(rect, "y"), Number(rect, "width"), Number(rect, "height")))];
        Assert.True(texts.Length >= 10, picture);
        foreach ((int index, (string text, Area area, double x)) in texts.Index())
        {
            Assert.DoesNotContain(texts[(index + 1)..], other => other.Area.Overlaps(area));
            Area box = boxes.Where(one => one.Contains(new Area(x, area.Y, 0, area.Height))).MinBy(one => one.Width * one.Height);
            Assert.True(box.Contains(area), $"\"{text}\" {area} leaves its box {box}");
        }

        // Boxes are inside each other, or apart.
        Assert.All(
            boxes,
            one => Assert.DoesNotContain(boxes, other => one.Overlaps(other) && !one.Contains(other) && !other.Contains(one)));
    }

    private static IEnumerable<XElement> Of(XElement root, string name) =>
        root.Descendants().Where(element => element.Name.LocalName == name);

    private static double Number(XElement element, string name) =>
        double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    private static Area AreaOfText(XElement text)
    {
        double size = Number(text, "font-size");
        double width = text.Value.Length * size * 0.6;
        double x = Number(text, "x") - (width * text.Attribute("text-anchor")!.Value switch { "start" => 0, "middle" => 0.5, _ => 1 });
        return new Area(x, Number(text, "y") - size, width, size * 1.2);
    }

    private readonly record struct Area(double X, double Y, double Width, double Height)
    {
        public bool Overlaps(Area other) =>
            X < other.X + other.Width && other.X < X + Width && Y < other.Y + other.Height && other.Y < Y + Height;

        public bool Contains(Area other) =>
            other.X >= X && other.Y >= Y && other.X + other.Width <= X + Width && other.Y + other.Height <= Y + Height;
    }
}
