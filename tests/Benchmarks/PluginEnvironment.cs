namespace Benchmarks;

/// <summary>The variables that a runtime gives to a plugin.</summary>
internal static class PluginEnvironment
{
    /// <summary>Where Debian has the plugins of containernetworking.</summary>
    public const string Plugins = "/usr/lib/cni";

    public static Dictionary<string, string> Of(FreshPod pod, string verb) => new()
    {
        ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
        ["CNI_COMMAND"] = verb,
        ["CNI_CONTAINERID"] = pod.Name,
        ["CNI_NETNS"] = pod.Path,
        ["CNI_IFNAME"] = "net1",
        ["CNI_PATH"] = Plugins,
    };
}
