using Netlink.Routing;

namespace EgressRouter.Config;

/// <summary>Parses <c>conflictDetection</c> and <c>conflictDetectionTimeout</c>.</summary>
internal static class ConflictParser
{
    public const string Key = "conflictDetection";
    public const string TimeoutKey = "conflictDetectionTimeout";

    // Below 20 ms, replies on a busy link arrive too late. 10 s is beyond RFC 5227's seven seconds, and runtimes give up.
    private const int MinTimeout = 20;
    private const int MaxTimeout = 10_000;

    /// <param name="kind">The kind of the egress interface, or the default kind if it is invalid.</param>
    public static ConflictDetection Read(ObjectReader config, LinkKind kind, ConfigErrors errors)
    {
        switch (config.Setting(Key))
        {
            case null or "off":
                return ConflictDetection.Off;
            case string text when text is "on" or "warn" && !kind.HasOwnHardwareAddress:
                errors.Add(Key, text, "requires interfaceType macvlan");
                return ConflictDetection.Off;
            case "on":
                return ConflictDetection.On;
            case "warn":
                return ConflictDetection.Warn;
            case string text:
                errors.Add(Key, text, "is not one of off, on, warn");
                return ConflictDetection.Off;
        }
    }

    public static TimeSpan ReadTimeout(ObjectReader config, ConfigErrors errors) =>
        NumberReader.Read(config, TimeoutKey, MinTimeout, MaxTimeout, errors) is int milliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : RouterConfig.DefaultConflictDetectionTimeout;
}
