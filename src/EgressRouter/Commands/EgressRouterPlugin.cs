using Cni;
using EgressRouter.Commands.Gate;
using EgressRouter.Config;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>The plugin: dispatches CNI commands, each in a file of its own.</summary>
/// <param name="openLog">
/// Creates the log for a request, whose configuration defines file and level; called once, first.
/// </param>
/// <param name="stop">Cancellation makes an unfinished ADD roll back and fail.</param>
public sealed class EgressRouterPlugin(Func<CniRequest, ILogger> openLog, CancellationToken stop) : ICniPlugin
{
    /// <inheritdoc/>
    public CniResult Add(CniRequest request) => RunLogged(
        request, log => GateConfig.IsIn(request.Config) ? GateFor(request, log).Add() : new AddCommand(request, log, stop).Run());

    /// <inheritdoc/>
    public void Check(CniRequest request) => RunLogged(
        request, log => CheckCommand.Run(request, log), gate => gate.Check());

    /// <inheritdoc/>
    public void Delete(CniRequest request) => RunLogged(
        request, log => DeleteCommand.Run(request, log), gate => gate.Delete());

    /// <inheritdoc/>
    public void Status(CniRequest request) => RunLogged(
        request, log => StatusCommand.Run(request, log), gate => gate.Status());

    /// <inheritdoc/>
    public void CollectGarbage(CniRequest request) => RunLogged(
        request, log => CollectGarbageCommand.Run(request, log), gate => gate.CollectGarbage());

    private GateCommand GateFor(CniRequest request, ILogger log) => new(request, log, stop);

    private void RunLogged(CniRequest request, Action<ILogger> router, Action<GateCommand> gate) => RunLogged(request, log =>
    {
        if (GateConfig.IsIn(request.Config))
        {
            gate(GateFor(request, log));
        }
        else
        {
            router(log);
        }

        return true;
    });

    /// <summary>Logs the outcome, and turns kernel errors into errors for the runtime.</summary>
    private T RunLogged<T>(CniRequest request, Func<ILogger, T> command)
    {
        ArgumentNullException.ThrowIfNull(request);
        ILogger log = openLog(request);
        log.Debug("{Request:l}", [request]);
        try
        {
            T result = command(log);
            log.Information("{Command:l} done: {Subject:l}", [request.Command.Text(), SubjectOf(request)]);
            return result;
        }
        catch (CniException error)
        {
            log.Error("{Command:l} failed: {Subject:l}: {Message:l}", [request.Command.Text(), SubjectOf(request), error.Message]);
            throw;
        }
        catch (Exception refused) when (refused is NetlinkException or IOException or UnauthorizedAccessException)
        {
            log.Error("{Command:l} failed: {Subject:l}: {Message:l}", [request.Command.Text(), SubjectOf(request), refused.Message]);
            throw new CniException(PluginErrorCode.KernelRefused, refused.Message);
        }
    }

    private static string SubjectOf(CniRequest request) => request.ContainerId.Length > 0
        ? $"container {request.ContainerId} interface {request.IfName}"
        : $"network {request.NetworkName}";
}
