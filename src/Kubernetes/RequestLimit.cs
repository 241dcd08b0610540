using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;

namespace Kubernetes;

/// <summary>How long a request may take. What ends it early is an <see cref="ApiException"/>, unless the caller has cancelled it.</summary>
internal sealed class RequestLimit : IDisposable
{
    private readonly string _request;
    private readonly TimeSpan _duration;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _source;

    /// <param name="request">What is asked, for messages.</param>
    public RequestLimit(string request, TimeSpan duration, TimeProvider clock, CancellationToken cancellation)
    {
        (_request, _duration, _cancellation) = (request, duration, cancellation);
        _timer = new CancellationTokenSource(duration, clock);
        _source = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _timer.Token);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Runs one step of the request.</summary>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> step)
    {
        try
        {
            return await step(Token);
        }
        catch (OperationCanceledException failure) when (!_cancellation.IsCancellationRequested)
        {
            throw ApiException.NoAnswer(_request, $"no answer within {_duration.TotalSeconds:0} s", failure);
        }
        catch (Exception failure) when (IsOfConnection(failure))
        {
            // A connection that is closed because the request was cancelled is no failure of the server.
            _cancellation.ThrowIfCancellationRequested();
            throw ApiException.NoAnswer(_request, MessageOf(failure), failure);
        }
        catch (JsonException failure)
        {
            throw ApiException.NoAnswer(_request, "the answer is not the JSON of a Kubernetes API", failure);
        }
    }

    public void Dispose()
    {
        _source.Dispose();
        _timer.Dispose();
    }

    /// <summary>InvalidDataException: gzip that is damaged.</summary>
    private static bool IsOfConnection(Exception failure) =>
        failure is HttpRequestException or IOException or AuthenticationException or InvalidDataException;

    /// <summary>The innermost knows best, but a socket's does not name the server.</summary>
    private static string MessageOf(Exception failure) =>
        failure.InnerException is null or SocketException ? failure.Message : MessageOf(failure.InnerException);
}
