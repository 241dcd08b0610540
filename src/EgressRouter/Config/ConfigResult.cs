using System.Collections.Immutable;

namespace EgressRouter.Config;

/// <summary>What a network configuration came to.</summary>
/// <param name="Config">The configuration; null exactly when there are faults.</param>
/// <param name="Faults">Everything that is wrong, in the order of the document.</param>
/// <param name="Warnings">What is likely a mistake but has no effect, in the order of the document.</param>
public sealed record ConfigResult(RouterConfig? Config, ImmutableArray<ConfigFault> Faults, ImmutableArray<ConfigFault> Warnings);
