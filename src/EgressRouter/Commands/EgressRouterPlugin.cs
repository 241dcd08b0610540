using Cni;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>The plugin: CNI's verbs, each in a file of its own.</summary>
/// <param name="openLog">
/// Makes the log for a request, whose configuration says where and how much; called once, before anything else.
/// </param>
/// <param name="stop">When it is cancelled, an ADD that is not done yet is undone, and fails.</param>
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

    /// <summary>Logs how it ended, and turns the kernel's refusals into errors for the runtime.</summary>
    private T RunLogged<T>(CniRequest request, Func<ILogger, T> command)
    {
        ArgumentNullException.ThrowIfNull(request);
        ILogger log = openLog(request);
        log.Debug("{Request:l}", [request]);
        try
        {
            T result = command(log);
            log.Information("{Verb:l} done: {Subject:l}", [request.Command.Text(), SubjectOf(request)]);
            return result;
        }
        catch (CniException error)
        {
            log.Error("{Verb:l} failed: {Subject:l}: {Message:l}", [request.Command.Text(), SubjectOf(request), error.Message]);
            throw;
        }
        catch (Exception refused) when (refused is NetlinkException or IOException or UnauthorizedAccessException)
        {
            log.Error("{Verb:l} failed: {Subject:l}: {Message:l}", [request.Command.Text(), SubjectOf(request), refused.Message]);
            throw new CniException(PluginErrorCode.KernelRefused, refused.Message);
        }
    }

    private static string SubjectOf(CniRequest request) => request.ContainerId.Length > 0
        ? $"container {request.ContainerId} interface {request.IfName}"
        : $"network {request.NetworkName}";
}
