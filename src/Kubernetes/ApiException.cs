using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Kubernetes;

/// <summary>A request to the API has failed.</summary>
public sealed class ApiException : Exception
{
    private ApiException(string message, HttpStatusCode? code, string reason, TimeSpan? retryAfter, Exception? inner)
        : base(message, inner)
    {
        Code = code;
        Reason = reason;
        RetryAfter = retryAfter;
    }

    /// <summary>The status code; null if there was no answer: then the server may have done what was asked, or not.</summary>
    public HttpStatusCode? Code { get; }

    /// <summary>The reason of the answer's Status object, for example <c>AlreadyExists</c>; empty if it has none.</summary>
    public string Reason { get; }

    /// <summary>How long the server asks its client to wait; null if it does not.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Whether the object has changed since it was read, or exists already.</summary>
    public bool IsConflict => Code == HttpStatusCode.Conflict;

    /// <summary>Whether there is an object of that name already. Quotas answer with the same code, but with another reason.</summary>
    public bool IsAlreadyExists => IsConflict && Reason == "AlreadyExists";

    /// <summary>Whether there is no such object.</summary>
    public bool IsNotFound => Code == HttpStatusCode.NotFound;

    /// <summary>Whether the server no longer has the resource version or the continue token that the request named.</summary>
    public bool IsExpired => Code == HttpStatusCode.Gone;

    /// <summary>The failure that an answer tells.</summary>
    /// <param name="request">What was asked, for the message.</param>
    /// <param name="retryAfter">What the answer's header says.</param>
    /// <param name="body">A Status object, or the text of a proxy.</param>
    internal static ApiException Of(string request, HttpStatusCode code, TimeSpan? retryAfter, string body) =>
        StatusIn(body) is JsonElement status
            ? Of(request, code, retryAfter ?? RetryAfterIn(status), status)
            : new ApiException(Text(request, code, Shortened(body)), code, "", retryAfter, inner: null);

    /// <summary>The failure in a Status object, as a watch has it in an ERROR event.</summary>
    internal static ApiException Of(string request, JsonElement status) =>
        Of(request, (HttpStatusCode?)status.Number("code"), RetryAfterIn(status), status);

    /// <summary>There was no answer.</summary>
    internal static ApiException NoAnswer(string request, string why, Exception? inner = null) =>
        new($"{request}: {why}", code: null, "", retryAfter: null, inner);

    /// <summary>The answer is not what a Kubernetes API sends.</summary>
    internal static ApiException Malformed(string what, Exception? inner = null) =>
        new($"the API server sent {what}", code: null, "", retryAfter: null, inner);

    private static ApiException Of(string request, HttpStatusCode? code, TimeSpan? retryAfter, JsonElement status) =>
        new(Text(request, code, status.Text("message")), code, status.Text("reason") ?? "", retryAfter, inner: null);

    private static string Text(string request, HttpStatusCode? code, string? why)
    {
        string text = string.IsNullOrEmpty(why) ? code?.ToString() ?? "an error without a code" : why;
        return code is null ? $"{request}: {text}" : string.Create(CultureInfo.InvariantCulture, $"{request}: {(int)code} {text}");
    }

    private static TimeSpan? RetryAfterIn(JsonElement status) =>
        status.Object("details")?.Number("retryAfterSeconds") is int seconds and > 0 ? TimeSpan.FromSeconds(seconds) : null;

    private static JsonElement? StatusIn(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.Text("kind") == "Status" ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>One line: a proxy's page has many.</summary>
    private static string Shortened(string text)
    {
        string line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= 200 ? line : line[..200] + "...";
    }
}
