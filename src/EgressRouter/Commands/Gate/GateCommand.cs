using System.Collections.Immutable;
using System.Net;
using AgentProtocol;
using Cni;
using EgressRouter.Config;
using Serilog;

namespace EgressRouter.Commands.Gate;

/// <summary>
/// The commands with <c>egressIP</c>: the plugin is the last of the cluster network's list. It makes nothing; ADD returns when the node's
/// agent has prepared the node for the pod, so that the pod's first packet has its egress address.
/// </summary>
internal sealed class GateCommand(CniRequest request, ILogger log, CancellationToken stop)
{
    /// <summary>DEL and STATUS do not hold up the runtime: the agent answers them at once.</summary>
    private static readonly TimeSpan _shortLimit = TimeSpan.FromSeconds(2);

    /// <summary>Returns the result of the plugins before.</summary>
    /// <exception cref="CniException">Code 11: the agent is away, or is not done in time.</exception>
    public CniResult Add()
    {
        GateConfig config = ParseConfig();
        CniResult previous = PreviousResult();
        Ask(config, QuestionOf(config, previous));
        return previous;
    }

    /// <exception cref="CniException">Code 102: the node is not prepared for the pod. Code 11: the agent is away.</exception>
    public void Check()
    {
        GateConfig config = ParseConfig();
        Ask(config, QuestionOf(config, PreviousResult()));
    }

    /// <summary>Tells the agent that the pod has no network any more. That succeeds also if the agent is away.</summary>
    public void Delete()
    {
        GateConfig config = GateConfig.Parse(request.Config, out GateConfig? parsed).IsEmpty ? parsed! : GateConfig.Default;
        try
        {
            Ask(config, new PodQuestion(CniCommand.Delete, _shortLimit) { Container = request.ContainerId });
        }
        catch (CniException away)
        {
            log.Warning("the agent is not told of the end of the pod's network: {Message:l}", [away.Message]);
        }
    }

    /// <exception cref="CniException">Code 50: the agent is away, or cannot do its work.</exception>
    public void Status()
    {
        GateConfig config = ParseConfig();
        try
        {
            Ask(config, new PodQuestion(CniCommand.Status, _shortLimit));
        }
        catch (CniException away)
        {
            throw new CniException(CniErrorCode.PluginNotAvailable, away.Message);
        }
    }

    /// <summary>The agent itself forgets pods that are gone.</summary>
    public void CollectGarbage() => ParseConfig();

    private GateConfig ParseConfig()
    {
        ImmutableArray<ConfigError> errors = GateConfig.Parse(request.Config, out GateConfig? config);
        return config ?? throw CommandSteps.FaultsError(errors);
    }

    private CniResult PreviousResult() => CommandSteps.PreviousResult(request) ?? throw new CniException(
        CniErrorCode.InvalidConfig,
        "prevResult is missing: with \"egressIP\", the plugin comes behind the cluster network in the same list of plugins");

    private PodQuestion QuestionOf(GateConfig config, CniResult previous)
    {
        string[] missing = [.. ((string[])["K8S_POD_NAMESPACE", "K8S_POD_NAME"]).Where(key => ArgumentOf(key).Length == 0)];
        if (missing.Length > 0)
        {
            throw new CniException(
                CniErrorCode.InvalidEnvironment, $"CNI_ARGS has no {string.Join(" and no ", missing)}: only pods of Kubernetes have egress addresses");
        }

        ImmutableArray<IPAddress> addresses = AddressesOf(previous);
        return addresses.IsEmpty
            ? throw new CniException(CniErrorCode.InvalidConfig, $"prevResult has no address of the pod's interface {request.IfName}")
            : new PodQuestion(request.Command, config.Timeout)
            {
                Container = request.ContainerId,
                Namespace = ArgumentOf("K8S_POD_NAMESPACE"),
                Name = ArgumentOf("K8S_POD_NAME"),
                Uid = ArgumentOf("K8S_POD_UID"),
                Addresses = addresses,
            };
    }

    /// <summary>The addresses of the pod's interface. Some networks, such as Calico, name no interface.</summary>
    private ImmutableArray<IPAddress> AddressesOf(CniResult previous) =>
        [.. previous.Ips.Where(ip => ip.Interface is not int index || IsOfPod(previous.Interfaces, index)).Select(ip => ip.Address)
            .Distinct()];

    private bool IsOfPod(ImmutableArray<CniInterface> interfaces, int index) =>
        index >= 0 && index < interfaces.Length && interfaces[index] is { Sandbox.Length: > 0 } link && link.Name == request.IfName;

    private string ArgumentOf(string key) => request.Args.LastOrDefault(pair => pair.Key == key).Value ?? "";

    private void Ask(GateConfig config, PodQuestion question)
    {
        PodAnswer answer = AgentClient.Ask(config.AgentSocket, question, stop);
        if (answer.Code is CniErrorCode code)
        {
            throw new CniException(code, answer.Message);
        }
    }
}
