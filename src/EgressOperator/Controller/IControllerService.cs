using EgressRouter.Tools;

namespace EgressOperator.Controller;

/// <summary>One of the kinds that the controller serves.</summary>
internal interface IControllerService
{
    /// <summary>Ends when the copies of all objects are complete.</summary>
    Task Synced { get; }

    /// <summary>Whether the cluster has the kinds that are needed.</summary>
    /// <returns>What is missing; null if nothing is.</returns>
    /// <exception cref="UsageException">Another program serves this kind.</exception>
    Task<string?> WhatIsMissingAsync(CancellationToken cancellation);

    /// <summary>Keeps the copies, until it is cancelled.</summary>
    Task CopyAsync(CancellationToken cancellation);

    /// <summary>Refuses a cluster in which another program serves this kind, once the copies are complete.</summary>
    /// <exception cref="UsageException">The reason.</exception>
    void Refuse();

    /// <summary>Does the work of the leader, until it is cancelled.</summary>
    Task LeadAsync(CancellationToken cancellation);
}
