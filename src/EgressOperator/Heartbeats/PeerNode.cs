using System.Collections.Immutable;
using System.Net;

namespace EgressOperator.Heartbeats;

/// <summary>A node with an agent, as the API has it.</summary>
/// <param name="Addresses">The node's own addresses, the first of a family is used for heartbeats.</param>
/// <param name="IsEgressNode">Whether it may hold egress addresses.</param>
/// <param name="IsVoter">Whether the node is Ready.</param>
internal sealed record PeerNode(string Name, ImmutableArray<IPAddress> Addresses, bool IsEgressNode, bool IsVoter);
