using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>What a runtime wants attached.</summary>
/// <param name="ContainerId">The container.</param>
/// <param name="NetNs">The path of its network namespace.</param>
/// <param name="IfName">The interface's name.</param>
internal sealed record RuntimeConf(string ContainerId, string NetNs, string IfName)
{
    /// <summary>CNI_ARGS.</summary>
    public string Args { get; init; } = "";

    /// <summary>What goes to the plugins that list the capability.</summary>
    public JsonObject Capabilities { get; init; } = [];
}

/// <summary>
/// Does as libcni does, which every runtime uses: runs the plugins of a list (or a single one) in a node's namespace, hands
/// the result of one to the next, and remembers the last for CHECK, DEL and GC.
/// </summary>
/// <param name="node">The namespace of the node.</param>
internal sealed class Runtime(string node) : IDisposable
{
    private readonly ConcurrentDictionary<(string Network, string ContainerId, string IfName), Remembered> _cache = new();

    /// <summary>A folder for plugins of the test, which come first, and for what plugins keep on the disk.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("egress-router-runtime-").FullName;

    /// <summary>Where plugins are looked for.</summary>
    public string PluginPath => $"{Folder}:{Path.GetDirectoryName(Lab.Plugin)}:/usr/lib/cni:/opt/cni/bin";

    /// <summary>ADD: the result of the last plugin, or the first failure, after which the runtime has to call DEL.</summary>
    public CommandResult Add(string json, RuntimeConf conf)
    {
        var network = Network.Parse(json);
        CommandResult last = new(0, "", "");
        JsonNode? result = null;
        foreach (JsonObject plugin in network.Plugins)
        {
            last = Execute("ADD", network.ConfigOf(plugin, result, conf.Capabilities), conf);
            if (last.ExitCode != 0)
            {
                return last;
            }

            result = JsonNode.Parse(last.Stdout);
        }

        _cache[network.KeyOf(conf)] = new Remembered(json, conf, result);
        return last;
    }

    /// <summary>CHECK of all plugins with the remembered result.</summary>
    public CommandResult Check(string json, RuntimeConf conf)
    {
        var network = Network.Parse(json);
        Assert.True(network.IsAtLeast("0.4.0"), "libcni refuses CHECK here");
        return Each(
            network.Plugins, plugin => Execute("CHECK", network.ConfigOf(plugin, ResultOf(network, conf), conf.Capabilities), conf));
    }

    /// <summary>DEL of all plugins, the last one first; with the remembered result, if there is one, from 0.4.0 on.</summary>
    public CommandResult Delete(string json, RuntimeConf conf)
    {
        var network = Network.Parse(json);
        JsonNode? result = network.IsAtLeast("0.4.0") ? ResultOf(network, conf) : null;
        CommandResult answer = Each(
            network.Plugins.Reverse(), plugin => Execute("DEL", network.ConfigOf(plugin, result, conf.Capabilities), conf));
        if (answer.ExitCode == 0)
        {
            _cache.TryRemove(network.KeyOf(conf), out _);
        }

        return answer;
    }

    /// <summary>GC: DEL of what is remembered and not in use any more, then GC of all plugins from 1.1.0 on.</summary>
    public CommandResult CollectGarbage(string json, params RuntimeConf[] inUse)
    {
        var network = Network.Parse(json);
        bool IsInUse(RuntimeConf conf) => inUse.Any(other => (other.ContainerId, other.IfName) == (conf.ContainerId, conf.IfName));
        Remembered[] stale = [.. _cache.Where(pair => pair.Key.Network == network.Name && !IsInUse(pair.Value.Conf))
            .Select(pair => pair.Value)];
        CommandResult deleted = Each(stale, one => Delete(one.Json, one.Conf));
        if (deleted.ExitCode != 0 || !network.IsAtLeast("1.1.0"))
        {
            return deleted;
        }

        return Each(network.Plugins, plugin =>
        {
            JsonObject config = network.ConfigOf(plugin, result: null, []);
            foreach (string key in (string[])["cni.dev/attachments", "cni.dev/valid-attachments"])
            {
                config[key] = new JsonArray(
                    [.. inUse.Select(conf => new JsonObject { ["containerID"] = conf.ContainerId, ["ifname"] = conf.IfName })]);
            }

            return Execute("GC", config, conf: null);
        });
    }

    /// <summary>STATUS of all plugins.</summary>
    public CommandResult Status(string json)
    {
        var network = Network.Parse(json);
        return Each(
            network.IsAtLeast("1.1.0") ? network.Plugins : [],
            plugin => Execute("STATUS", network.ConfigOf(plugin, result: null, []), conf: null));
    }

    /// <summary>The remembered result, which may be changed, as Multus does.</summary>
    public JsonNode? ResultOf(string json, RuntimeConf conf) => ResultOf(Network.Parse(json), conf);

    /// <summary>Puts another result, or none, into the place of the remembered one.</summary>
    public void SetResult(string json, RuntimeConf conf, JsonNode? result) =>
        _cache[Network.Parse(json).KeyOf(conf)] = new Remembered(json, conf, result);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private JsonNode? ResultOf(Network network, RuntimeConf conf) => _cache.GetValueOrDefault(network.KeyOf(conf))?.Result;

    /// <summary>Up to the first failure.</summary>
    private static CommandResult Each<T>(IEnumerable<T> items, Func<T, CommandResult> run)
    {
        CommandResult all = new(0, "", "");
        foreach (T item in items)
        {
            CommandResult one = run(item);
            all = new CommandResult(one.ExitCode, all.Stdout + one.Stdout, all.Stderr + one.Stderr);
            if (one.ExitCode != 0)
            {
                break;
            }
        }

        return all;
    }

    private CommandResult Execute(string verb, JsonObject config, RuntimeConf? conf)
    {
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
            ["CNI_COMMAND"] = verb,
            ["CNI_PATH"] = PluginPath,
        };
        if (conf is not null)
        {
            environment["CNI_CONTAINERID"] = conf.ContainerId;
            environment["CNI_NETNS"] = conf.NetNs;
            environment["CNI_IFNAME"] = conf.IfName;
            environment["CNI_ARGS"] = conf.Args;
        }

        string type = (string)config["type"]!;
        string plugin = PluginPath.Split(':').Select(folder => Path.Combine(folder, type)).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"there is no plugin {type}: scripts/install-dependencies.sh");
        return Command.Run(
            "nsenter", ["--net=" + Lab.PathOf(node), .. verb == "GC" ? Lab.SeeingOnly([node]) : [], plugin], config.ToJsonString(),
            environment);
    }

    private sealed record Remembered(string Json, RuntimeConf Conf, JsonNode? Result);

    /// <summary>A network configuration list, or a single configuration, which Multus still runs.</summary>
    private sealed record Network(string Name, string Version, JsonObject[] Plugins)
    {
        public static Network Parse(string json)
        {
            JsonObject root = JsonNode.Parse(json)!.AsObject();
            JsonNode[] plugins = root["plugins"] is JsonArray list ? [.. list.OfType<JsonNode>()] : [root];
            return new Network((string)root["name"]!, (string?)root["cniVersion"] ?? "0.1.0",
                [.. plugins.Select(plugin => plugin.AsObject())]);
        }

        public (string, string, string) KeyOf(RuntimeConf conf) => (Name, conf.ContainerId, conf.IfName);

        public bool IsAtLeast(string version) => System.Version.Parse(Version) >= System.Version.Parse(version);

        /// <summary>What the plugin gets on its standard input.</summary>
        public JsonObject ConfigOf(JsonObject plugin, JsonNode? result, JsonObject capabilities)
        {
            JsonObject config = plugin.DeepClone().AsObject();
            config["name"] = Name;
            config["cniVersion"] = Version;
            if (result is not null)
            {
                config["prevResult"] = result.DeepClone();
            }

            KeyValuePair<string, JsonNode?>[] asked =
                [.. capabilities.Where(pair => plugin["capabilities"]?[pair.Key] is JsonNode listed && (bool)listed)
                    .Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone()))];
            if (asked.Length > 0)
            {
                config["runtimeConfig"] = new JsonObject(asked);
            }

            return config;
        }
    }
}
