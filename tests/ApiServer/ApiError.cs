using System.Globalization;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>One thing that is wrong with a field.</summary>
internal sealed record Cause(string Reason, string Field, string Message)
{
    public static Cause Required(string field, string? why = null) =>
        new("FieldValueRequired", field, why is null ? "Required value" : $"Required value: {why}");

    public static Cause Invalid(string field, string value, string why) =>
        new("FieldValueInvalid", field, $"Invalid value: {value}: {why}");

    public static Cause Forbidden(string field, string why) => new("FieldValueForbidden", field, $"Forbidden: {why}");

    public static Cause NotSupported(string field, string value, IEnumerable<string> supported) => new(
        "FieldValueNotSupported", field,
        $"Unsupported value: {value}: supported values: {string.Join(", ", supported.Order(StringComparer.Ordinal))}");
}

/// <summary>An answer of the API that is an error: a Status object.</summary>
internal sealed class ApiError : Exception
{
    private readonly JsonObject _details = [];

    internal ApiError(int code, string reason, string message)
        : base(message)
    {
        Code = code;
        Reason = reason;
    }

    /// <summary>The HTTP status code.</summary>
    public int Code { get; }

    /// <summary>The reason in one word, for example <c>NotFound</c>.</summary>
    public string Reason { get; }

    /// <summary>The answer's body.</summary>
    public JsonObject ToStatus()
    {
        var status = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = Message,
        };
        status.SetOrRemove("reason", Reason.Length > 0 ? Reason : null);
        if (_details.Count > 0)
        {
            status["details"] = _details.DeepClone();
        }

        status["code"] = Code;
        return status;
    }

    internal static ApiError NotFound(Kind kind, string name) =>
        new ApiError(404, "NotFound", $"{kind.Resource} \"{name}\" not found").About(kind.Group, kind.Plural, name);

    internal static ApiError AlreadyExists(Kind kind, string name) =>
        new ApiError(409, "AlreadyExists", $"{kind.Resource} \"{name}\" already exists").About(kind.Group, kind.Plural, name);

    internal static ApiError Conflict(Kind kind, string name, string why) =>
        new ApiError(409, "Conflict", $"Operation cannot be fulfilled on {kind.Resource} \"{name}\": {why}")
            .About(kind.Group, kind.Plural, name);

    /// <summary>A precondition of a DELETE.</summary>
    internal static ApiError PreconditionFailed(Kind kind, string name, string why) =>
        new ApiError(409, "Conflict", $"Operation cannot be fulfilled on {kind.Name} \"{name}\": Precondition failed: {why}")
            .About(kind.Group, kind.Name, name);

    internal static ApiError Invalid(Kind kind, string name, params IReadOnlyList<Cause> causes) =>
        Invalid(kind.Group, kind.Name, name, causes);

    internal static ApiError Invalid(string group, string kind, string name, params IReadOnlyList<Cause> causes)
    {
        string[] texts = [.. causes.Select(cause => $"{cause.Field}: {cause.Message}")];
        string list = texts.Length == 1 ? texts[0] : $"[{string.Join(", ", texts)}]";
        string type = group.Length == 0 ? kind : $"{kind}.{group}";
        return new ApiError(422, "Invalid", $"{type} \"{name}\" is invalid: {list}").About(group, kind, name).Because(causes);
    }

    /// <summary>A patch that cannot be read.</summary>
    internal static ApiError InvalidPatch(string why) => Invalid("", "", "", Cause.Invalid("patch", "\"\"", why));

    internal static ApiError BadRequest(string message) => new(400, "BadRequest", message);

    internal static ApiError Expired(string message) => new(410, "Expired", message);

    internal static ApiError Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    internal static ApiError Unprocessable(string message) => new(422, "Invalid", message);

    /// <summary>The answer of a fault.</summary>
    internal static ApiError Fault(int code, TimeSpan? retryAfter)
    {
        string reason = code switch
        {
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "NotFound",
            409 => "Conflict",
            410 => "Expired",
            429 => "TooManyRequests",
            500 => "InternalError",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "Unknown",
        };
        var error = new ApiError(code, reason, string.Create(CultureInfo.InvariantCulture, $"a fault was asked for: {code} {reason}"));
        return retryAfter is TimeSpan wait ? error.RetryAfter((int)Math.Ceiling(wait.TotalSeconds)) : error;
    }

    internal ApiError RetryAfter(int seconds)
    {
        _details["retryAfterSeconds"] = seconds;
        return this;
    }

    internal ApiError Because(IEnumerable<Cause> causes)
    {
        _details["causes"] = new JsonArray([.. causes.Select(cause => NotEmpty(
            ("reason", cause.Reason), ("message", cause.Message), ("field", cause.Field)))]);
        return this;
    }

    private ApiError About(string group, string kind, string name)
    {
        foreach ((string key, JsonNode? value) in NotEmpty(("name", name), ("group", group), ("kind", kind)))
        {
            _details[key] = value!.DeepClone();
        }

        return this;
    }

    private static JsonObject NotEmpty(params IEnumerable<(string Key, string Value)> members) => new(
        members.Where(member => member.Value.Length > 0).Select(member => KeyValuePair.Create(member.Key, (JsonNode?)member.Value)));
}
