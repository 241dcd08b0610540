using EgressRouter.Tools;
using Netlink;

namespace EgressRouterCni.CommandLine;

/// <summary>What verbs that look into pods have in common.</summary>
internal static class LiveOptions
{
    /// <summary>The namespaces that are meant.</summary>
    public static IReadOnlyList<NetNamespace> Pods(Arguments arguments) =>
        PodNamespaces.Find(arguments.Text("netns"), arguments.Number("pid", 1, int.MaxValue), arguments.Text("container"));

    /// <summary>The one namespace that is meant.</summary>
    public static NetNamespace Pod(Arguments arguments)
    {
        IReadOnlyList<NetNamespace> found = Pods(arguments);
        return found is [NetNamespace one] ? one
            : throw new InputException($"{found.Count} namespaces have egress routers, choose one with --netns: {string.Join(", ", found.Select(pod => pod.Path))}");
    }

    /// <summary>The configuration in the file.</summary>
    public static Wanted Wanted(Arguments arguments, Stream stdin) =>
        EgressRouter.Tools.Wanted.Read(arguments.Operand("FILE"), stdin, arguments.Text("args"), arguments.Text("network"));

    /// <summary>The name of the egress interface.</summary>
    public static string Interface(Arguments arguments) => arguments.Text("interface") ?? "net1";
}
