using YamlDotNet.RepresentationModel;
using static SystemTests.Packaging.Manifest;

namespace SystemTests.Packaging;

/// <summary>Runs a program with nothing but what its container in a manifest has.</summary>
internal static class Container
{
    /// <summary>The kernel's settings cannot be written either.</summary>
    private const string Mounts = """
        mount -t tmpfs tmpfs /tmp -o ro
        mount -t tmpfs tmpfs /run
        [ -z "$0" ] || { mkdir "$0" && mount -t tmpfs tmpfs "$0"; }
        mount -o remount,bind,ro /run
        mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys
        mount -o remount,bind,ro /
        exec "$@"
        """;

    public static string[] Capabilities(YamlNode container) => [.. List(container, "securityContext", "capabilities", "add").Select(Text)];

    /// <summary>Starts the tests' API server in a namespace, with the objects of files, and waits until the kubeconfig is there.</summary>
    public static BackgroundProcess StartApiServer(string space, string kubeconfig, params string[] files)
    {
        var server = new BackgroundProcess(
            space, "dotnet", [Path.Combine(AppContext.BaseDirectory, "ApiServer.dll"), "0", kubeconfig, .. files]);
        server.WaitUntil(() => File.Exists(kubeconfig));
        return server;
    }

    /// <summary>
    /// Starts it in the network of a pod or node. It does not see /tmp and /run, and below /run it can write only one folder: none if
    /// <paramref name="writable"/> is empty.
    /// </summary>
    public static BackgroundProcess Start(string space, string writable, string[] capabilities, string[] command) => new(
        space, "unshare", [
            "--mount", "sh", "-ec", Mounts, writable,
            "setpriv", "--no-new-privs", "--inh-caps=-all",
            $"--bounding-set=-all{string.Concat(capabilities.Select(one => ",+" + one.ToLowerInvariant()))}",
            "env", "-i", "HOME=/", .. command]);
}
