using System.Text.Json.Nodes;
using SystemTests;

namespace Benchmarks;

/// <summary>A plugin, or a script, that attaches pods: what each of its commands costs.</summary>
/// <param name="name">Its name in reports.</param>
/// <param name="lab">Where it runs.</param>
/// <param name="config">A file with its configuration.</param>
/// <param name="verbs">Its commands, in the order of a pod's life.</param>
/// <param name="command">The program and the arguments of a command.</param>
internal sealed class Attacher(string name, Lab lab, string config, string[] verbs, Func<FreshPod, string, string[]> command)
{
    private readonly Dictionary<string, Meter> _meters = verbs.ToDictionary(verb => verb, verb => new Meter($"{verb}: {name}"));

    /// <summary>What a command costs; null: it has no such command.</summary>
    public Meter? Of(string verb) => _meters.GetValueOrDefault(verb);

    /// <summary>Runs each command once, on a fresh pod.</summary>
    /// <param name="folder">For the files between the commands.</param>
    /// <param name="counts">Whether it is one of the measured runs.</param>
    public void Run(string folder, bool counts)
    {
        using var pod = new FreshPod(lab);
        string stdin = config;
        string answer = Path.Combine(folder, "answer.json");
        foreach (string verb in verbs)
        {
            _meters[verb].Run(lab.Node, stdin, PluginEnvironment.Of(pod, verb), command(pod, verb), counts, answer);
            if (verb == "ADD" && new FileInfo(answer).Length > 0)
            {
                stdin = Path.Combine(folder, "added.json");
                File.WriteAllText(stdin, WithResult(File.ReadAllText(config), File.ReadAllText(answer)));
            }
        }
    }

    /// <summary>What a runtime gives to CHECK and DEL: the configuration with the result of ADD.</summary>
    public static string WithResult(string config, string result)
    {
        JsonObject json = JsonNode.Parse(config)!.AsObject();
        json["prevResult"] = JsonNode.Parse(result);
        return json.ToJsonString();
    }
}
