using System.Text;

namespace ApiServer;

/// <summary>
/// Exchanges the version of EndpointSlices on the way to a server before Kubernetes 1.21, which has v1beta1 only. The members that
/// programs here use are the same.
/// </summary>
internal sealed class OldSlices(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    public const string Wanted = "discovery.k8s.io/v1";

    private const string Old = "discovery.k8s.io/v1beta1";

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.RequestUri is not Uri uri || !uri.AbsolutePath.StartsWith($"/apis/{Wanted}/", StringComparison.Ordinal))
        {
            return await base.SendAsync(request, cancellationToken);
        }

        request.RequestUri = new Uri(uri, uri.PathAndQuery.Replace(Wanted, Old, StringComparison.Ordinal));
        request.Content = await ExchangeAsync(request.Content, $"\"{Wanted}\"", $"\"{Old}\"", cancellationToken);
        HttpResponseMessage answer = await base.SendAsync(request, cancellationToken);
        answer.Content = await ExchangeAsync(answer.Content, $"\"{Old}\"", $"\"{Wanted}\"", cancellationToken);
        return answer;
    }

    private static async Task<HttpContent?> ExchangeAsync(HttpContent? content, string from, string to, CancellationToken cancellation)
    {
        if (content is null)
        {
            return null;
        }

        string text = await content.ReadAsStringAsync(cancellation);
        return new StringContent(text.Replace(from, to, StringComparison.Ordinal), Encoding.UTF8, content.Headers.ContentType!);
    }
}
