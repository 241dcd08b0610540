using System.Collections.Immutable;
using System.Text.Json;

namespace Cni;

/// <summary>
/// A validated call by a runtime: environment and configuration (CNI specification, "Parameters" and "Execution
/// configuration"). The values of <see cref="Args"/>, <see cref="Config"/> and <see cref="PrevResult"/> can be secret and
/// must not be logged; <see cref="ToString"/> omits them.
/// </summary>
public sealed record CniRequest
{
    /// <summary>The command (<c>CNI_COMMAND</c>).</summary>
    public required CniCommand Command { get; init; }

    /// <summary>
    /// The container ID (<c>CNI_CONTAINERID</c>): letters, digits and <c>_ . -</c>, starting with a letter or digit. Empty for
    /// STATUS and GC, like <see cref="NetNs"/> and <see cref="IfName"/>, because these commands apply to the network.
    /// </summary>
    public required string ContainerId { get; init; }

    /// <summary>The path of the container's network namespace (<c>CNI_NETNS</c>); DEL allows an empty path.</summary>
    public required string NetNs { get; init; }

    /// <summary>The interface name in the container (<c>CNI_IFNAME</c>); valid for the kernel.</summary>
    public required string IfName { get; init; }

    /// <summary>The directories of plugins (<c>CNI_PATH</c>, split at colons); empty if absent.</summary>
    public ImmutableArray<string> PluginPath { get; init; } = [];

    /// <summary>The extra arguments (<c>CNI_ARGS</c>), in the given order. They are deprecated by the specification.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Args { get; init; } = [];

    /// <summary>The specification version of configuration and result; the newest if a DEL has no valid version.</summary>
    public required CniVersion Version { get; init; }

    /// <summary>
    /// The network name (<c>name</c> of the configuration), with the syntax of a container ID. Empty if a DEL has an invalid
    /// configuration.
    /// </summary>
    public required string NetworkName { get; init; }

    /// <summary>
    /// The whole configuration, an object. Independent of the lifetime of its JSON document. Undefined if the text is not an
    /// object; see <see cref="ConfigError"/>.
    /// </summary>
    public required JsonElement Config { get; init; }

    /// <summary>
    /// DEL only: the error that any other command would return, because the configuration is not a JSON object or has no valid
    /// version or name. Null if the configuration is valid. Container and interface are valid in either case.
    /// </summary>
    public CniException? ConfigError { get; init; }

    /// <summary>The object <c>prevResult</c> of the configuration, or null.</summary>
    public JsonElement? PrevResult { get; init; }

    /// <summary>GC: the attachments in use (<c>cni.dev/valid-attachments</c>); empty for any other command.</summary>
    public ImmutableArray<CniAttachment> ValidAttachments { get; init; } = [];

    /// <summary>GC: the DEL request for an attachment that is no longer in use, as the runtime would send it.</summary>
    /// <param name="attachment">The attachment.</param>
    /// <param name="netNs">The path of the attachment's namespace.</param>
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

    /// <summary>The call on one line, without data that can be secret.</summary>
    public override string ToString()
    {
        string container = ContainerId.Length == 0 ? "" : $" container {ContainerId} interface {IfName}";
        string network = ConfigError is null ? $" network {NetworkName} cniVersion {Version.Text()}" : "";
        return Command.Text() + container + network;
    }
}

/// <summary>Identifies an attachment (CNI specification, "GC").</summary>
/// <param name="ContainerId">The container ID.</param>
/// <param name="IfName">The interface name in the container.</param>
public sealed record CniAttachment(string ContainerId, string IfName);
