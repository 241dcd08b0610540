using System.Collections.Immutable;
using System.Net;
using Cni;
using EgressOperator.Objects;
using Kubernetes;

namespace EgressOperator.Trace;

/// <summary>A Service. kube-proxy leads its packets to an endpoint before any egress address is decided on.</summary>
/// <param name="Endpoints">Addresses of those that are ready, of the family of the destination.</param>
internal sealed record Service(string Name, ImmutableArray<IPAddress> Endpoints)
{
    private static readonly Resource _slices = new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");

    /// <summary>The Service with an address, which may be that of a load balancer; null: there is none.</summary>
    /// <exception cref="ApiException">The API does not tell.</exception>
    public static async Task<Service?> FindAsync(IKubernetesApi api, IPAddress address, CancellationToken cancellation)
    {
        ObjectPage services = await api.ListAsync(Resource.Services, Selection.All, cancellation);
        if (services.Items.Select(item => KubernetesObject.Of(Resource.Services, item))
            .FirstOrDefault(item => AddressesOf(item).Contains(address))
            is not KubernetesObject found)
        {
            return null;
        }

        ObjectPage slices = await api.ListAsync(
            _slices, new Selection(found.Namespace, $"kubernetes.io/service-name={found.Name}"), cancellation);
        return new Service($"{found.Namespace}/{found.Name}", [.. slices.Items
            .SelectMany(item => KubernetesObject.Of(_slices, item).Root["endpoints"].Items())
            .Where(endpoint => endpoint["conditions"]["ready"].IsMissing || endpoint["conditions"]["ready"].IsTrue())
            .SelectMany(endpoint => endpoint["addresses"].Items()).Select(one => StrictAddress.Parse(one.Text())).OfType<IPAddress>()
            .Where(one => one.AddressFamily == address.AddressFamily).Distinct().OrderBy(one => one.ToString(), StringComparer.Ordinal)]);
    }

    private static IEnumerable<IPAddress> AddressesOf(KubernetesObject service) => service.Root["spec"]["clusterIPs"].Items()
        .Append(service.Root["spec"]["clusterIP"])
        .Concat(service.Root["spec"]["externalIPs"].Items())
        .Concat(service.Root["status"]["loadBalancer"]["ingress"].Items().Select(ingress => ingress["ip"]))
        .Select(text => StrictAddress.Parse(text.Text())).OfType<IPAddress>();
}
