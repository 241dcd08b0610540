using System.Collections.Immutable;
using System.Net.Sockets;
using EgressRouter.State;

namespace EgressRouter.Tools.Pictures;

/// <summary>
/// The path of packets through a router as a picture (SVG), from left to right: clients, the pod, the gateway, and a row for each
/// destination. The rows of a family are together, those without a gateway first.
/// </summary>
internal sealed class PathPicture
{
    private const int MostWays = 12;
    private const int MostAddresses = 4;
    private const int Width = 760;
    private const int Margin = 12;
    private const int Gap = 10;
    private const int PodTop = 44;
    private const int FirstRow = PodTop + 44;

    private static readonly Column _clients = new(Margin, 64);
    private static readonly Column _pod = new(108, 334);
    private static readonly Column _ports = new(118, 118);
    private static readonly Column _egress = new(292, 140);
    private static readonly Column _gateways = new(464, 118);
    private static readonly Column _servers = new(608, 140);

    private readonly Svg _svg = new();
    private readonly RouterDefinition _wanted;
    private readonly Explanation _explanation;
    private readonly Attachment _attachment;
    private readonly ImmutableArray<PacketWay> _ways;

    private PathPicture(RouterDefinition wanted, Explanation explanation)
    {
        (_wanted, _explanation, _attachment) = (wanted, explanation, explanation.Attachment);
        _ways = PacketWay.Of(wanted, explanation);
    }

    private bool IsRedirecting => !_attachment.Destinations.IsEmpty;

    private string Link => _attachment.Names.Interface;

    /// <summary>Draws the picture of a configuration.</summary>
    public static string Of(RouterDefinition wanted, Explanation explanation) => new PathPicture(wanted, explanation).Draw();

    private string Draw()
    {
        int y = FirstRow;
        foreach (IGrouping<AddressFamily, PacketWay> family in
            _ways.Take(MostWays).GroupBy(way => way.Family).OrderBy(group => group.Key))
        {
            y = DrawFamily([.. family.OrderBy(way => way.Hop is not null)], y) + Gap;
        }

        var frame = new Svg();
        frame.Box(_pod.X, PodTop, _pod.Width, y - PodTop + (2 * Svg.LineHeight), "pod");
        string network = $"network {_wanted.Plugin.Network}";
        frame.Text(Margin, 28, PictureLine.Title(Svg.Shorten(network, 45)), "start", 13);
        frame.Text(Width - Margin, 28, PictureLine.Label(KindText()), "end");
        frame.Text(_pod.Middle, PodTop + 18, PictureLine.Title("egress router pod"));
        frame.Text(_servers.Middle, PodTop + 18, PictureLine.Title("servers"));
        if (IsRedirecting)
        {
            frame.Text(_ports.Middle, FirstRow - 8, PictureLine.Value(_explanation.Pod.ClusterInterface ?? ""));
            frame.Box(_clients.X, FirstRow, _clients.Width, y - Gap - FirstRow, "host", PictureLine.Title("clients"));
        }

        foreach (string line in FilterLines())
        {
            frame.Text(_pod.Middle, y + 8, PictureLine.Label(line));
            y += Svg.LineHeight;
        }

        y += 28;
        string[] notes = [.. Notes()];
        foreach (string line in notes.SelectMany(note => Svg.Wrap(note, Svg.Columns(Width - (2 * Margin)))))
        {
            frame.Text(Margin, y, PictureLine.Label(line), "start");
            y += Svg.LineHeight;
        }

        frame.Append(_svg);
        string source = string.Join(", ", SourceLines(null).Select(line => line.Text));
        return frame.Document(
            Width, y, $"The path of a packet through the egress router of {network}",
            string.Join(' ', [.. _ways.Take(MostWays), $"Source: {source}.", .. notes]));
    }

    /// <summary>Draws the rows of a family.</summary>
    /// <returns>The lower end.</returns>
    private int DrawFamily(ImmutableArray<PacketWay> ways, int top)
    {
        PictureLine[] source = [PictureLine.Title(Link), .. SourceLines(ways[0].Family)];
        var rows = new List<(PacketWay Way, PictureLine[] Lines, int Top, int Height)>();
        int y = top;
        foreach (IGrouping<NextHop?, PacketWay> group in ways.GroupBy(way => way.Hop))
        {
            PictureLine[] hop = HopLines(group.Key);
            int start = y;
            foreach (PacketWay way in group)
            {
                PictureLine[] lines = ServerLines(way);
                rows.Add((way, lines, y, Svg.HeightOf(lines.Length)));
                y += rows[^1].Height + Gap;
            }

            int height = Math.Max(y - Gap - start, hop.Length == 0 ? 0 : Svg.HeightOf(hop.Length));
            if (group.Key is not null)
            {
                _svg.Box(_gateways.X, start, _gateways.Width, height, "gateway", hop);
            }

            y = start + height + Gap;
        }

        int bottom = Math.Max(y - Gap, top + Svg.HeightOf(source.Length));
        _svg.Box(_egress.X, top, _egress.Width, bottom - top, "egress", source);
        foreach ((PacketWay way, PictureLine[] lines, int rowTop, int height) in rows)
        {
            DrawRow(way, lines, rowTop, height);
        }

        return bottom;
    }

    private void DrawRow(PacketWay way, PictureLine[] server, int top, int height)
    {
        int middle = top + (height / 2);
        PictureLine[] entry = [.. Svg.Wrap(way.Entry, Svg.Columns(_ports.Width))
            .Select(text => IsRedirecting ? PictureLine.Value(text) : PictureLine.Label(text))];
        int entryHeight = Svg.HeightOf(entry.Length);
        _svg.Box(_ports.X, middle - (entryHeight / 2), _ports.Width, entryHeight, "port", entry);
        _svg.Arrow(_ports.End, middle, _egress.X);
        if (IsRedirecting)
        {
            _svg.Arrow(_clients.End, middle, _ports.X);
            _svg.Text((_ports.End + _egress.X) / 2, middle - 6, PictureLine.Label("DNAT"));
        }

        if (way.Hop is null)
        {
            _svg.Arrow(_egress.End, middle, _servers.X);
            _svg.Text(_gateways.Middle, middle - 6, PictureLine.Label("on-link"));
        }
        else
        {
            _svg.Arrow(_egress.End, middle, _gateways.X);
            _svg.Arrow(_gateways.End, middle, _servers.X);
        }

        _svg.Box(_servers.X, top, _servers.Width, height, "host", server);
    }

    private PictureLine[] ServerLines(PacketWay way)
    {
        ImmutableArray<AddressState> sources = _attachment.AddressesOf(way.Family);
        string seen = sources is [AddressState one] ? $"sees {one.Address}" : sources.IsEmpty ? "sees that address"
            : $"sees one of {sources.Length} addresses";
        int columns = Svg.Columns(_servers.Width);
        return
        [
            .. Svg.Wrap(way.Server[0], columns).Select(PictureLine.Value), .. way.Server.Skip(1).Select(PictureLine.Label),
            .. Svg.Wrap(seen, columns).Select(PictureLine.Label),
        ];
    }

    private static PictureLine[] HopLines(NextHop? hop) => hop is null ? [] :
    [
        PictureLine.Label(hop.Name), .. Svg.Wrap(hop.Address, Svg.Columns(_gateways.Width)).Select(PictureLine.Value),
        .. hop.Note is null ? Array.Empty<PictureLine>() : [PictureLine.Label(hop.Note)],
    ];

    /// <summary>The source of packets that leave the pod.</summary>
    /// <param name="family">The family, or null for both.</param>
    private PictureLine[] SourceLines(AddressFamily? family)
    {
        int columns = Svg.Columns(_egress.Width);
        string[] addresses = [.. _attachment.Addresses.Where(address => family is null || address.Address.AddressFamily == family)
            .Select(address => $"{address.Address}")];
        if (addresses.Length == 0)
        {
            return [PictureLine.Label("SNAT to the address"), .. Svg.Wrap(
                _wanted.Config.IpamType is string ipam ? $"from IPAM plugin {ipam}" : "that the pod requests", columns).Take(4)
                .Select(PictureLine.Label)];
        }

        return
        [
            PictureLine.Label(addresses.Length == 1 ? "SNAT to" : "SNAT to one of"),
            .. addresses.Take(MostAddresses).SelectMany(address => Svg.Wrap(address, columns)).Select(PictureLine.Value),
            .. addresses.Length > MostAddresses ? [PictureLine.Label($"and {addresses.Length - MostAddresses} more")]
                : Array.Empty<PictureLine>(),
            .. _attachment.HighAvailability ? [PictureLine.Label("while the pod has it")] : Array.Empty<PictureLine>(),
        ];
    }

    private string KindText()
    {
        bool isAssumed = _wanted.Config.Master is null && _attachment.Parent.Index == 0;
        return Svg.Shorten($"{Link}: {_attachment.Kind}{(isAssumed ? "" : $" on {_attachment.Parent.Name}")}", 56);
    }

    private IEnumerable<string> FilterLines() =>
    [
        "filter: nothing else is forwarded;",
        Svg.Shorten($"new connections by {Link} are {(_attachment.AllowInbound ? "accepted" : "dropped")}", Svg.Columns(_pod.Width)),
    ];

    private IEnumerable<string> Notes()
    {
        if (_ways.Length > MostWays)
        {
            yield return $"... and {_ways.Length - MostWays} more destinations, which explain lists as text.";
        }

        yield return "Replies take the same way back.";
        if (!IsRedirecting)
        {
            yield return "Nothing is redirected: the pod's own connections, such as those of a proxy, get the egress address."
                + " On-link servers are reached without the gateway.";
        }

        if (_attachment.HighAvailability)
        {
            yield return "High availability: several pods have the egress addresses, one pod at a time.";
        }
    }

    private readonly record struct Column(int X, int Width)
    {
        public int End => X + Width;

        public int Middle => X + (Width / 2);
    }
}
