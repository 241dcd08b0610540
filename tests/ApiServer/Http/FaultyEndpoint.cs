using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace ApiServer;

/// <summary>Takes one request after the other: records it, and lets faults happen.</summary>
/// <param name="answer">Answers it otherwise.</param>
internal sealed class FaultyEndpoint(Knobs knobs, Func<HttpContext, ApiRequest, Fault?, Task> answer)
{
    public async Task Handle(HttpContext http)
    {
        ApiRequest request = await ApiRequest.Read(http.Request);
        knobs.Record(request);
        Fault? fault = knobs.FaultFor(request);
        switch (fault?.Kind)
        {
            case FaultKind.Silence:
                await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(
                    _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                return;
            case FaultKind.CutBefore:
                http.Abort();
                return;
            case FaultKind.Delay:
                await Task.Delay(fault.Time!.Value, http.RequestAborted);
                break;
        }

        Stream body = http.Response.Body;
        using var late = new MemoryStream();
        if (fault?.Kind is FaultKind.CutAfter or FaultKind.LateAnswer)
        {
            // No part of the answer may reach the client before its time.
            http.Response.Body = late;
        }

        try
        {
            if (fault?.Kind == FaultKind.Answer)
            {
                throw ApiError.Fault(fault.Code, fault.Time);
            }

            await answer(http, request, fault);
        }
        catch (ApiError error)
        {
            await WriteError(http, request, error);
        }
        catch (Exception mistake) when (mistake is not (OperationCanceledException or IOException) && !http.Response.HasStarted)
        {
            // A mistake of this server, or a body with a type that it does not expect.
            await WriteError(http, request, new ApiError(500, "InternalError", mistake.ToString()));
        }

        if (fault?.Kind == FaultKind.CutAfter)
        {
            request.Status = null;
            http.Response.Body = body;
            http.Abort();
        }
        else if (fault?.Kind == FaultKind.LateAnswer)
        {
            await Task.Delay(fault.Time!.Value, http.RequestAborted);
            http.Response.Body = body;
            await body.WriteAsync(late.ToArray(), http.RequestAborted);
        }
    }

    public static async Task Write(HttpContext http, ApiRequest request, int code, byte[] body)
    {
        request.Status = http.Response.StatusCode = code;
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-cache, private";
        http.Response.Headers.ContentLength = body.Length;
        http.Response.Headers["Audit-Id"] = Guid.NewGuid().ToString("D", CultureInfo.InvariantCulture);
        await http.Response.Body.WriteAsync(body);
    }

    private static async Task WriteError(HttpContext http, ApiRequest request, ApiError error)
    {
        JsonObject status = error.ToStatus();
        if (status.At("details", "retryAfterSeconds") is JsonNode seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString();
        }

        await Write(http, request, error.Code, status.Bytes());
    }
}
