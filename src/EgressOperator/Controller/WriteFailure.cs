using Kubernetes;
using Serilog;

namespace EgressOperator.Controller;

/// <summary>Work of a leader's queue that has failed, and is tried again.</summary>
internal static class WriteFailure
{
    /// <summary>Logs it; a conflict only says that the copy was old.</summary>
    /// <param name="what">The kind and the name of the object.</param>
    public static void Log(ILogger log, string what, Exception failure, TimeSpan pause)
    {
        if (failure is not ApiException)
        {
            log.Error(failure, "{What:l}: trying again in {Pause:0.0} s", [what, pause.TotalSeconds]);
        }
        else if (failure is not ApiException { IsConflict: true })
        {
            log.Warning("{What:l}: {Failure:l}; trying again in {Pause:0.0} s", [what, failure.Message, pause.TotalSeconds]);
        }
    }
}
