using Cni;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>The plugin: CNI's verbs, each in a file of its own.</summary>
/// <param name="openLog">
/// Makes the log for a request, whose configuration says where and how much; called once, before anything else.
/// </param>
public sealed class EgressRouterPlugin(Func<CniRequest, ILogger> openLog) : ICniPlugin
{
    /// <inheritdoc/>
    public CniResult Add(CniRequest request) => InWords(request, log => AddCommand.Run(request, log));

    /// <inheritdoc/>
    public void Check(CniRequest request) => InWords(request, log =>
    {
        CheckCommand.Run(request, log);
        return true;
    });

    /// <inheritdoc/>
    public void Delete(CniRequest request) => InWords(request, log =>
    {
        DeleteCommand.Run(request, log);
        return true;
    });

    /// <summary>Logs how it ended, and turns the kernel's refusals into errors for the runtime.</summary>
    private T InWords<T>(CniRequest request, Func<ILogger, T> command)
    {
        ArgumentNullException.ThrowIfNull(request);
        ILogger log = openLog(request);
        log.Debug("{Request:l}", request);
        try
        {
            T result = command(log);
            log.Information("{Verb:l} done: container {Container:l} interface {Interface:l}", request.Command.Text(), request.ContainerId, request.IfName);
            return result;
        }
        catch (CniException error)
        {
            log.Error("{Verb:l} failed: container {Container:l} interface {Interface:l}: {Message:l}", request.Command.Text(), request.ContainerId, request.IfName, error.Message);
            throw;
        }
        catch (Exception refused) when (refused is NetlinkException or IOException or UnauthorizedAccessException or KeyNotFoundException)
        {
            log.Error("{Verb:l} failed: container {Container:l} interface {Interface:l}: {Message:l}", request.Command.Text(), request.ContainerId, request.IfName, refused.Message);
            throw new CniException(CniErrorCode.KernelRefused, refused.Message);
        }
    }
}
