using System.Collections.Immutable;
using EgressRouter.Config;
using Serilog;
using Serilog.Events;

namespace EgressRouter.Commands;

/// <summary>Logs destinations, at the level that configurations call <c>debug</c>.</summary>
internal static class DestinationLog
{
    /// <summary>A configuration may have tens of thousands.</summary>
    private const int Most = 500;

    public static void Write(ImmutableArray<Destination> destinations, ILogger log)
    {
        if (!log.IsEnabled(LogEventLevel.Verbose))
        {
            return;
        }

        foreach (Destination destination in destinations.Take(Most))
        {
            log.Verbose("destination {Destination:l}", [destination]);
        }

        if (destinations.Length > Most)
        {
            log.Verbose("and {Count} more destinations", [destinations.Length - Most]);
        }
    }
}
