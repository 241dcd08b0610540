using System.Net;
using Netlink.NetFilter;
using static EgressDataPath.Desired.TableParts;
using static EgressRouter.State.Nftables.NftParts;

namespace EgressDataPath.Kernel;

/// <summary>Finds pods in the maps of a table.</summary>
public static class PodElements
{
    /// <summary>The chain that the map of pods leads the packets of a pod to; null: it does not have the pod.</summary>
    public static string? Find(Table? table, IPAddress pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        string map = Named("pods", pod.AddressFamily);
        return table?.Maps.FirstOrDefault(one => one.Name == map)?.Elements.FirstOrDefault(element => element.Key == BytesOf(pod))
            .Decision?.Chain;
    }
}
