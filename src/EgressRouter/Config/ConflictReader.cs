namespace EgressRouter.Config;

/// <summary>Reads <c>conflictDetection</c> and <c>conflictDetectionTimeout</c>.</summary>
internal static class ConflictReader
{
    public const string Key = "conflictDetection";
    public const string TimeoutKey = "conflictDetectionTimeout";

    // Below, an answer on a busy link comes too late; above, RFC 5227's own seven seconds are over, and runtimes give up.
    private const int MinTimeout = 20;
    private const int MaxTimeout = 10_000;

    /// <param name="config">The configuration.</param>
    /// <param name="type">The type of the egress interface, as far as it is known.</param>
    /// <param name="faults">What is wrong.</param>
    public static ConflictDetection Read(ObjectReader config, InterfaceType type, FaultList faults)
    {
        switch (config.Setting(Key))
        {
            case null or "off":
                return ConflictDetection.Off;
            case string text when text is "on" or "warn" && type == InterfaceType.Ipvlan:
                faults.Fault(Key, text, "requires interfaceType macvlan");
                return ConflictDetection.Off;
            case "on":
                return ConflictDetection.On;
            case "warn":
                return ConflictDetection.Warn;
            case string text:
                faults.Fault(Key, text, "is not one of off, on, warn");
                return ConflictDetection.Off;
        }
    }

    public static TimeSpan ReadTimeout(ObjectReader config, FaultList faults) =>
        NumberReader.Read(config, TimeoutKey, MinTimeout, MaxTimeout, faults) is int milliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : RouterConfig.DefaultConflictDetectionTimeout;
}
