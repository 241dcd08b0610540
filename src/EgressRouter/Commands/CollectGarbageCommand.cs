using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>
/// GC: removes the attachments of this network that the runtime does not list. Each remembers in its pod's namespace whose
/// it is, so it is looked for in the namespaces that runtimes keep by name; with a namespace that is gone its attachment
/// went.
/// </summary>
internal static class CollectGarbageCommand
{
    private const string NamespaceFolder = "/run/netns";

    public static void Run(CniRequest request, ILogger log)
    {
        var failures = new Failures();
        string[] paths = Directory.Exists(NamespaceFolder) ? Directory.GetFiles(NamespaceFolder) : [];
        foreach (string path in paths.Order(StringComparer.Ordinal))
        {
            failures.Of(() => Clean(path, request, failures, log));
        }

        if (IpamSettings.TypeOf(request.Config) is string ipam)
        {
            failures.Of(() => IpamDelegate.Find(ipam, request.PluginPath).Forward(CniCommand.Gc, request));
        }

        failures.ThrowIfAny();
    }

    private static void Clean(string path, CniRequest request, Failures failures, ILogger log)
    {
        NetNamespace pod;
        try
        {
            pod = NetNamespace.Open(path);
        }
        catch (NetlinkException gone)
        {
            // Namespaces come and go meanwhile, and one that was unmounted leaves an empty file.
            log.Debug("not looked into: {Message:l}", gone.Message);
            return;
        }

        using (pod)
        {
            if (!Preparation.IsOwn(pod))
            {
                failures.AddRange(pod.Run(() => Garbage(request)
                    .SelectMany(names =>
                    {
                        log.Warning("removing {Interface:l} of {Path:l}: the runtime does not know it any more", names.Interface, path);
                        return DeleteCommand.RemoveFromHere(names, container: null, log);
                    })
                    .ToArray()));
            }
        }
    }

    private static AttachmentNames[] Garbage(CniRequest request)
    {
        using PodNetwork network = PodNetwork.Open();
        return [.. network.ListAttachments()
            .Where(known => known.Memory.IsOf(request.NetworkName)
                && !request.ValidAttachments.Any(valid => valid.IfName == known.Interface && known.Memory.IsOf(new Owner(request.NetworkName, valid.ContainerId))))
            .Select(known => new AttachmentNames(known.Interface))];
    }
}
