using System.Collections.Immutable;
using System.Text.Json;

namespace Cni;

/// <summary>
/// One call of a runtime: environment and configuration (CNI specification, "Parameters" and "Execution configuration"),
/// checked. None of <see cref="Args"/>' values, <see cref="Config"/> and <see cref="PrevResult"/> may be logged: they can
/// hold secrets. That is why this is printed by its <see cref="ToString"/> without them.
/// </summary>
public sealed record CniRequest
{
    /// <summary>What is asked (<c>CNI_COMMAND</c>).</summary>
    public required CniCommand Command { get; init; }

    /// <summary>
    /// The container (<c>CNI_CONTAINERID</c>): letters, digits, <c>_ . -</c>, the first a letter or digit. Empty for STATUS
    /// and GC, as are <see cref="NetNs"/> and <see cref="IfName"/>: those are about the network.
    /// </summary>
    public required string ContainerId { get; init; }

    /// <summary>The path of the container's network namespace (<c>CNI_NETNS</c>); empty if absent, which only DEL allows.</summary>
    public required string NetNs { get; init; }

    /// <summary>The interface's name in the container (<c>CNI_IFNAME</c>): a name that the kernel takes.</summary>
    public required string IfName { get; init; }

    /// <summary>Where other plugins are (<c>CNI_PATH</c>, split at colons); empty if absent.</summary>
    public ImmutableArray<string> PluginPath { get; init; } = [];

    /// <summary>Extra arguments (<c>CNI_ARGS</c>) in the order given. The specification calls them deprecated.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Args { get; init; } = [];

    /// <summary>
    /// The version of the specification that the configuration is in, and the answer has to be in; the newest in a DEL that
    /// does not know it.
    /// </summary>
    public required CniVersion Version { get; init; }

    /// <summary>
    /// The network (<c>name</c> of the configuration); written as a container id is. Empty in a DEL that does not know it.
    /// </summary>
    public required string NetworkName { get; init; }

    /// <summary>
    /// The whole configuration, an object. It outlives the document it came from. Undefined where it is none, see
    /// <see cref="ConfigError"/>.
    /// </summary>
    public required JsonElement Config { get; init; }

    /// <summary>
    /// DEL only: what any other command would fail with, since the configuration is no JSON object, of another version, or
    /// without a name; null if it is in order. The container and the interface are known all the same.
    /// </summary>
    public CniException? ConfigError { get; init; }

    /// <summary>The object <c>prevResult</c> of the configuration, or null if there is none.</summary>
    public JsonElement? PrevResult { get; init; }

    /// <summary>GC: the attachments that are in use (<c>cni.dev/valid-attachments</c>); empty for any other command.</summary>
    public ImmutableArray<CniAttachment> ValidAttachments { get; init; } = [];

    /// <summary>GC: the DEL of an attachment that is not in use any more, as the runtime would have called it.</summary>
    /// <param name="attachment">The attachment.</param>
    /// <param name="netNs">The path of its namespace.</param>
    public CniRequest ToDelete(CniAttachment attachment, string netNs)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        return this with
        {
            Command = CniCommand.Delete,
            ContainerId = attachment.ContainerId,
            IfName = attachment.IfName,
            NetNs = netNs,
            Args = [],
            Config = ValidAttachmentsMember.Without(Config),
            ValidAttachments = [],
        };
    }

    /// <summary>The call in a line, without anything that could be secret.</summary>
    public override string ToString()
    {
        string container = ContainerId.Length == 0 ? "" : $" container {ContainerId} interface {IfName}";
        string network = ConfigError is null ? $" network {NetworkName} cniVersion {Version.Text()}" : "";
        return Command.Text() + container + network;
    }
}

/// <summary>An attachment that a runtime knows of: the key of what a plugin made (CNI specification, "GC").</summary>
/// <param name="ContainerId">The container.</param>
/// <param name="IfName">The interface in it.</param>
public sealed record CniAttachment(string ContainerId, string IfName);
