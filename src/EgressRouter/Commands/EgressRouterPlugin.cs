using Cni;
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
    public CniResult Add(CniRequest request) => RunLogged(request, log => new AddCommand(request, log, stop).Run());

    /// <inheritdoc/>
    public void Check(CniRequest request) => RunLogged(request, log =>
    {
        CheckCommand.Run(request, log);
        return true;
    });

    /// <inheritdoc/>
    public void Delete(CniRequest request) => RunLogged(request, log =>
    {
        DeleteCommand.Run(request, log);
        return true;
    });

    /// <inheritdoc/>
    public void Status(CniRequest request) => RunLogged(request, log =>
    {
        StatusCommand.Run(request, log);
        return true;
    });

    /// <inheritdoc/>
    public void CollectGarbage(CniRequest request) => RunLogged(request, log =>
    {
        CollectGarbageCommand.Run(request, log);
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
