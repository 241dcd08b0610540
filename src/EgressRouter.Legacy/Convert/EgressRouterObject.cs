using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Cni;
using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>
/// Reads objects of kind EgressRouter (network.operator.openshift.io/v1): all fields, including those that its operator ignores
/// (fallbackIP, networkInterface, further addresses).
/// </summary>
internal static class EgressRouterObject
{
    /// <summary>1, or 2 for a pair of pods: docs/pair.md.</summary>
    public const string ReplicasAnnotation = "egress-router-cni.io/replicas";

    private static readonly string[] _required = ["port", "protocol", "destinationIP"];

    /// <summary>The members of each object. The API silently drops any other, so that another one is a fault.</summary>
    private static readonly string[] _spec = ["mode", "networkInterface", "addresses", "redirect"];

    private static readonly string[] _macvlan = ["mode", "master"];

    private static readonly string[] _address = ["ip", "gateway"];

    private static readonly string[] _redirect = ["redirectRules", "fallbackIP"];

    private static readonly string[] _rule = [.. _required, "targetPort"];

    public static LegacyRouter Read(YamlNode document, ICollection<LegacyFault> faults)
    {
        if (document.Locate("spec", "mode") is LocatedText mode && mode.Text != "Redirect")
        {
            faults.Add(new LegacyFault(mode.Line, $"mode \"{mode.Text}\" is not Redirect, the only one that there is"));
        }

        foreach (YamlNode link in (document.Child("spec", "networkInterface") as YamlMappingNode)?.Children.Keys.AsEnumerable() ?? [])
        {
            if (link is not YamlScalarNode { Value: "macvlan" })
            {
                faults.Add(new LegacyFault(link.Line(), $"networkInterface.{link} is not macvlan, the only one that there is"));
            }
        }

        CheckMembers("spec", document.Child("spec"), _spec, faults);
        CheckMembers("networkInterface.macvlan", document.Child("spec", "networkInterface", "macvlan"), _macvlan, faults);
        CheckMembers("redirect", document.Child("spec", "redirect"), _redirect, faults);
        if (document.Child("spec", "redirect") is not YamlNode redirect)
        {
            faults.Add(new LegacyFault(document.Line(), "spec.redirect is missing"));
        }
        else if (redirect.Text("fallbackIP") is null or "" && !redirect.Items("redirectRules").Any())
        {
            faults.Add(new LegacyFault(redirect.Line(), "there is nothing to redirect to: neither a redirectRule nor fallbackIP"));
        }

        RequireAddress(document.Locate("spec", "redirect", "fallbackIP") is { Text.Length: > 0 } last ? last : null, faults);

        YamlNode[] addresses = [.. document.Items("spec", "addresses")];
        foreach (YamlNode address in addresses)
        {
            CheckMembers("an address", address, _address, faults);
            if (address.Locate("ip") is not LocatedText ip)
            {
                faults.Add(new LegacyFault(address.Line(), "an address has no ip"));
            }
            else if (!IsNetworkAddress(ip.Text))
            {
                faults.Add(new LegacyFault(ip.Line, $"\"{ip.Text}\" is no address with its prefix length, such as 192.168.12.99/24"));
            }

            RequireAddress(address.Locate("gateway"), faults);
        }

        if (addresses.Length == 0)
        {
            faults.Add(new LegacyFault(document.Line(), "spec.addresses is missing or empty"));
        }

        // Addresses of one network share their gateway.
        ImmutableArray<LocatedText> gateways = [.. addresses.Select(address => address.Locate("gateway")).OfType<LocatedText>()
            .DistinctBy(gateway => gateway.Text)];
        foreach (LocatedText gateway in gateways.GroupBy(gateway => gateway.Text.Contains(':', StringComparison.Ordinal))
            .SelectMany(family => family.Skip(1)))
        {
            faults.Add(
                new LegacyFault(
                    gateway.Line,
                    $"gateway {gateway.Text} is a second one of its family: an attachment has one; "
                        + "make a router of its own of this address"));
        }

        LocatedText? replicas = document.Locate("metadata", "annotations", ReplicasAnnotation);
        if (replicas?.Text is not (null or "1" or "2"))
        {
            faults.Add(new LegacyFault(replicas.Line, $"{ReplicasAnnotation} \"{replicas.Text}\" is neither 1 nor 2"));
        }

        return new LegacyRouter
        {
            Replicas = replicas?.Text == "2" ? 2 : 1,
            Name = document.Locate("metadata", "name") ?? new LocatedText(document.Line(), "egress-router"),
            Namespace = document.Text("metadata", "namespace"),
            Origin = PodOrigin.ReadObject(document),
            Master = document.Locate("spec", "networkInterface", "macvlan", "master"),
            Mode = document.Locate("spec", "networkInterface", "macvlan", "mode") is LocatedText macvlan
                ? macvlan with { Text = macvlan.Text.ToLowerInvariant() }
                : null,
            Addresses = [.. addresses.Select(address => address.Locate("ip")).OfType<LocatedText>()],
            Gateways = gateways,
            Destinations = [.. document.Items("spec", "redirect", "redirectRules").Select(rule => Rule(rule, faults))
                .OfType<LocatedText>()],
            Fallback = document.Locate("spec", "redirect", "fallbackIP") is { Text.Length: > 0 } fallback ? fallback : null,
        };
    }

    /// <summary>Without a prefix length, the plugin would take that of whatever node the pod is on.</summary>
    private static bool IsNetworkAddress(string text) => text.Split('/') is [string address, string length]
        && StrictAddress.Parse(address) is IPAddress read
        && int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out int bits) && bits <= read.GetAddressBytes().Length * 8;

    private static void RequireAddress(LocatedText? text, ICollection<LegacyFault> faults)
    {
        if (text is not null && StrictAddress.Parse(text.Text) is null)
        {
            faults.Add(new LegacyFault(text.Line, $"\"{text.Text}\" is no IP address"));
        }
    }

    private static void CheckMembers(string what, YamlNode? node, string[] known, ICollection<LegacyFault> faults)
    {
        foreach (YamlNode key in (node as YamlMappingNode)?.Children.Keys.AsEnumerable() ?? [])
        {
            if (!known.Contains(((YamlScalarNode)key).Value))
            {
                faults.Add(new LegacyFault(key.Line(), $"{what} has a member {key}, which is none of {string.Join(", ", known)}"));
            }
        }
    }

    private static LocatedText? Rule(YamlNode rule, ICollection<LegacyFault> faults)
    {
        CheckMembers("a rule", rule, _rule, faults);
        string[] missing = [.. _required.Where(key => rule.Text(key) is null)];
        if (missing.Length > 0)
        {
            faults.Add(new LegacyFault(rule.Line(), $"a rule has no {string.Join(", ", missing)}"));
            return null;
        }

        RequireAddress(rule.Locate("destinationIP"), faults);
        string target = rule.Text("targetPort") is string port ? $" {port}" : "";
        return new LocatedText(
            rule.Line(), $"{rule.Text("port")} {rule.Text("protocol")!.ToLowerInvariant()} {rule.Text("destinationIP")}{target}");
    }
}
