using System.Collections.Immutable;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Parses <c>dns</c>, which is returned unchanged in the result. The runtime writes it to resolv.conf.</summary>
internal static class DnsParser
{
    public static CniDns? Read(ObjectReader config, ConfigErrors errors)
    {
        if (config.Object("dns") is not ObjectReader dns)
        {
            return null;
        }

        KnownKeys.WarnUnknown(dns, KnownKeys.Dns, errors);
        var read = new CniDns(
            ReadWords(dns, "nameservers", errors),
            dns.Setting("domain"),
            ReadWords(dns, "search", errors),
            ReadWords(dns, "options", errors));
        if (read.Domain is string domain && errors.IsWithin(Bounds.DnsWord, domain.Length, dns.PathOf("domain")))
        {
            CheckWord(dns.PathOf("domain"), domain, errors);
        }

        for (int i = 0; i < read.Nameservers.Length; i++)
        {
            // Only a nameserver may have a zone: a resolver may be link-local.
            string server = read.Nameservers[i];
            int zone = server.IndexOf('%');
            if (!AddressText.TryParse(zone < 0 ? server : server.AsSpan(0, zone), out _, out string? reason))
            {
                errors.Add(dns.PathOf("nameservers").Item(i), server, reason);
            }
        }

        return read is { Nameservers: [], Domain: null, Search: [], Options: [] } ? null : read;
    }

    private static ImmutableArray<string> ReadWords(ObjectReader dns, string key, ConfigErrors errors)
    {
        if (dns.List(key, Bounds.Dns, out int length) is not JsonElement.ArrayEnumerator items)
        {
            return [];
        }

        ImmutableArray<string>.Builder words = ImmutableArray.CreateBuilder<string>(length);
        int index = 0;
        foreach (JsonElement item in items)
        {
            JsonPath path = dns.PathOf(key).Item(index++);
            if (JsonText.Of(item) is string word)
            {
                words.Add(word);
                if (!errors.IsWithin(Bounds.DnsWord, word.Length, path))
                {
                    continue;
                }

                if (key != "nameservers")
                {
                    CheckWord(path, word, errors);
                }
            }
            else
            {
                errors.WrongKind(path, item, "string");
            }
        }

        return words.ToImmutable();
    }

    /// <summary>White space separates the words of a resolv.conf line: a value must not become two words or two lines.</summary>
    private static void CheckWord(JsonPath path, string word, ConfigErrors errors)
    {
        bool isWord = word.Length > 0;
        foreach (char c in word)
        {
            isWord &= !char.IsWhiteSpace(c) && !char.IsControl(c);
        }

        if (!isWord)
        {
            errors.Add(path, word, "must be one word without white space");
        }
    }
}
