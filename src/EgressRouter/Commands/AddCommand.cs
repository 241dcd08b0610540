using System.Collections.Immutable;
using System.Net.Sockets;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>ADD: makes the pod an egress router, or leaves it as it was.</summary>
internal static class AddCommand
{
    public static CniResult Run(CniRequest request, ILogger log)
    {
        RouterConfig config = Preparation.ParseConfig(request, log);
        var names = new AttachmentNames(request.IfName);
        using NetNamespace pod = Preparation.OpenPod(request);
        using NetlinkSocket node = NetlinkSocket.OpenRoute();
        Attachment attachment = Preparation.Resolve(config, names, node, isNew: true);
        string? mac = pod.Run(() => Attach(request, config, attachment, node, pod, log));
        return Result(attachment, request.NetNs, mac, config.Dns);
    }

    /// <summary>Runs in the pod's namespace. Returns the hardware address of the egress interface.</summary>
    private static string? Attach(
        CniRequest request, RouterConfig config, Attachment attachment, NetlinkSocket node, NetNamespace pod, ILogger log)
    {
        AttachmentNames names = attachment.Names;
        using PodNetwork network = PodNetwork.Open();
        PodFacts facts = Preparation.Facts(request, config, names, network);
        LogFacts(attachment, facts, log);
        NetworkState desired = StateBuilder.Present(attachment, facts);
        NetworkState before = network.Observe(names, desired.Sysctls.Keys);
        RefuseLeftOvers(before, names);
        ImmutableArray<PlanStep> plan = Plan.ToPresent(Difference.Between(desired, before), desired.Link!);
        try
        {
            network.Create((CreateLink)plan[0], names, node, pod);
            network.Apply(plan.Skip(1));
            ImmutableArray<Difference> left = Difference.Between(desired, network.Observe(names, desired.Sysctls.Keys));
            if (!left.IsEmpty)
            {
                throw new CniException(CniErrorCode.KernelRefused, $"the kernel is not as it was set: {string.Join("; ", left)}");
            }

            return network.ReadLink(names)?.HardwareAddress;
        }
        catch (Exception failure)
        {
            log.Debug("undoing after: {Message:l}", failure.Message);
            Undo(network, names, log);
            throw;
        }
    }

    private static void Undo(PodNetwork network, AttachmentNames names, ILogger log)
    {
        try
        {
            foreach (Exception failure in DeleteCommand.Remove(network, names, log))
            {
                log.Error("cannot undo: {Message:l}", failure.Message);
            }
        }
        catch (NetlinkException failure)
        {
            // The first failure is the one to be told. The runtime calls DEL after it, which tries again.
            log.Error("cannot undo: {Message:l}", failure.Message);
        }
    }

    private static void RefuseLeftOvers(NetworkState before, AttachmentNames names)
    {
        if (before.Link?.Name == names.Interface)
        {
            throw new CniException(CniErrorCode.InterfaceExists, $"interface {names.Interface} exists already in the pod");
        }

        if (!before.IsAbsent)
        {
            throw new CniException(
                CniErrorCode.InterfaceExists,
                $"the pod has left-overs of an earlier interface {names.Interface}: DEL removes them");
        }
    }

    private static void LogFacts(Attachment attachment, PodFacts facts, ILogger log)
    {
        log.Debug("parent {Parent:l}, MTU {Mtu}, addresses {Addresses}, gateways {Gateways}", attachment.Parent.Name, attachment.Mtu, attachment.Addresses, attachment.Gateways);
        foreach (AddressFamily other in facts.OriginalDefaults.Select(route => route.Family).Distinct().Except(attachment.FamiliesInUse))
        {
            log.Information("no {Family:l} egress address: that family keeps the pod's own default route and address", other.Text());
        }

        foreach (AddressFamily family in attachment.FamiliesInUse.Where(family => facts.ReturnRoutes.All(route => route.Family != family)))
        {
            log.Warning("no {Family:l} gateway is known on the pod's own network: clients beyond its own subnets and routes get no answers", family.Text());
        }
    }

    private static CniResult Result(Attachment attachment, string sandbox, string? mac, CniDns? dns) => new(
        [new CniInterface(attachment.Names.Interface, mac, sandbox, attachment.Mtu)],
        [.. attachment.Addresses.Select(address => new CniIp(address.Address, address.PrefixLength, attachment.GatewayOf(address.Address.AddressFamily), Interface: 0))],
        [.. attachment.FamiliesInUse.Select(family => new CniRoute(family.Any(), PrefixLength: 0, attachment.GatewayOf(family)))],
        dns);
}
