using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>
/// GC: removes the attachments of this network that the runtime does not list. The owner is saved in the pod, so GC searches the
/// named namespaces. An attachment disappears with its namespace, and then only the IPAM plugin knows its address.
/// </summary>
internal static class CollectGarbageCommand
{
    public static void Run(CniRequest request, ILogger log)
    {
        var failures = new ErrorCollector();
        HashSet<(string, string)> valid = [.. request.ValidAttachments.Select(attachment => (attachment.IfName,
            SavedState.ShortenName(attachment.ContainerId)))];
        string? ipam = IpamSettings.TypeOf(request.Config);
        failures.Run(() =>
        {
            foreach (string path in NetNamespace.ListNamed())
            {
                failures.Run(path, () => Clean(path, request, valid, ipam, failures, log));
            }
        });

        if (ipam is not null)
        {
            failures.Run(() => IpamDelegate.Find(ipam, request.PluginPath).Forward(CniCommand.Gc, request));
        }

        failures.ThrowIfAny();
    }

    private static void Clean(
        string path, CniRequest request, HashSet<(string Interface, string Container)> valid, string? ipam, ErrorCollector failures,
        ILogger log)
    {
        NetNamespace pod;
        try
        {
            pod = NetNamespace.Open(path);
        }
        catch (NetlinkException gone) when (gone.IsNamespaceGone)
        {
            // Namespaces come and go meanwhile, and an unmounted one leaves an empty file.
            log.Debug("namespace skipped: {Message:l}", [gone.Message]);
            return;
        }

        using (pod)
        {
            foreach ((string name, Owner owner) in CommandSteps.IsOwn(pod) ? [] : pod.Run(() => Garbage(request, valid, log)))
            {
                log.Warning("removing {Interface:l} of {Path:l}: the runtime does not know it any more", [name, path]);
                failures.Run(path, () => Removal.RemoveAndRelease(
                    ipam,
                    () => pod.Run(() => new Removal(new AttachmentNames(name), log).Run()) ?? [],
                    () => Release(ipam, request, name, owner, path)).ThrowIfAny());
            }
        }
    }

    /// <summary>Releases an attachment's addresses in the IPAM plugin. Must run on the node, like every IPAM plugin.</summary>
    private static void Release(string? ipam, CniRequest request, string interfaceName, Owner owner, string path)
    {
        if (ipam is null)
        {
            return;
        }

        if (!Identifiers.IsValid(owner.Container))
        {
            throw new CniException(
                CniErrorCode.IpamFailed,
                $"the address of {interfaceName} of {path} is not released by IPAM plugin {ipam}: "
                + $"only the beginning and a hash of the container ID are saved: {owner.Container}");
        }

        CniRequest delete = request.ToDelete(new CniAttachment(owner.Container, interfaceName), path);
        IpamDelegate.Find(ipam, request.PluginPath).Forward(CniCommand.Delete, delete);
    }

    /// <summary>The attachments of the network that are not in use, with their owners.</summary>
    private static (string Interface, Owner Owner)[] Garbage(
        CniRequest request, HashSet<(string Interface, string Container)> valid, ILogger log)
    {
        using PodNetwork? network = PodNetwork.OpenIfPossible(log);
        return network is null ? [] : [.. network.ListAttachments()
            .Where(
                known => known.Owner?.IsOfNetwork(request.NetworkName) == true
                    && !valid.Contains((known.Names.Interface, known.Owner.Container)))
            .Select(known => (known.Names.Interface, known.Owner!))];
    }
}
