using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using static ApiServer.CustomShape;

namespace ApiServer;

/// <summary>
/// Checks an object by the schema of its custom kind. Not done: <c>x-kubernetes-validations</c>, <c>format</c>, <c>uniqueItems</c>.
/// </summary>
internal sealed class CustomSchema
{
    private readonly List<Cause> _causes = [];

    /// <summary>All faults of an object.</summary>
    public static IReadOnlyList<Cause> Check(JsonObject value, JsonObject schema)
    {
        var check = new CustomSchema();
        check.Visit(value, schema, "");
        return check._causes;
    }

    private void Visit(JsonNode? value, JsonObject schema, string path)
    {
        if (value is null && IsTrue(schema, "nullable"))
        {
            return;
        }

        if (!HasType(value, schema))
        {
            Add(path, $"\"{TypeOf(value)}\"", $"{path} in body must be of type {schema.Text("type")}: \"{TypeOf(value)}\"");
            return;
        }

        if (schema["enum"] is JsonArray allowed && !allowed.Any(one => JsonNode.DeepEquals(one, value)))
        {
            _causes.Add(Cause.NotSupported(path, value.String(), allowed.Select(one => one.String())));
        }

        switch (value)
        {
            case JsonObject map:
                VisitObject(map, schema, path);
                break;
            case JsonArray list:
                VisitArray(list, schema, path);
                break;
            case JsonValue scalar:
                VisitScalar(scalar, schema, path);
                break;
        }

        VisitAlternatives(value, schema, path);
    }

    private void VisitObject(JsonObject map, JsonObject schema, string path)
    {
        foreach (string key in schema.Texts("required").Where(key => !map.ContainsKey(key)))
        {
            _causes.Add(Cause.Required(Join(path, key)));
        }

        AtLeast(schema, "minProperties", map.Count, Figure(map.Count), path, "properties");
        AtMost(schema, "maxProperties", map.Count, Figure(map.Count), path, "properties");
        foreach ((string key, JsonNode? member) in map)
        {
            if (path.Length == 0 && key is "apiVersion" or "kind" or "metadata")
            {
            }
            else if (SchemaOf(schema, key) is JsonObject known)
            {
                Visit(member, known, Join(path, key));
            }
        }
    }

    private void VisitArray(JsonArray list, JsonObject schema, string path)
    {
        AtLeast(schema, "minItems", list.Count, Figure(list.Count), path, "items");
        AtMost(schema, "maxItems", list.Count, Figure(list.Count), path, "items");
        FieldType type = FieldType.Custom(schema);
        var keys = new HashSet<string>();
        foreach ((int index, JsonNode? item) in list.Index())
        {
            if (schema["items"] is JsonObject items)
            {
                Visit(item, items, $"{path}[{index}]");
            }

            if (type.List != ListType.Atomic && !keys.Add(type.ElementOf(item)))
            {
                _causes.Add(new Cause("FieldValueDuplicate", $"{path}[{index}]", $"Duplicate value: {Duplicate(item, type)}"));
            }
        }
    }

    private void VisitScalar(JsonValue scalar, JsonObject schema, string path)
    {
        if (scalar.GetValueKind() == JsonValueKind.String)
        {
            string text = scalar.GetValue<string>();
            AtLeast(schema, "minLength", text.EnumerateRunes().Count(), scalar.String(), path, "chars long", "be");
            AtMost(schema, "maxLength", text.EnumerateRunes().Count(), scalar.String(), path, "chars long", "be");
            if (schema.Text("pattern") is string pattern && !Regex.IsMatch(text, pattern))
            {
                Add(path, scalar.String(), $"{path} in body should match '{pattern}'");
            }
        }
        else if (scalar.GetValueKind() == JsonValueKind.Number)
        {
            double number = NumberOf(scalar)!.Value;
            if (NumberOf(schema["minimum"]) is double least && (number < least || (number == least && IsTrue(schema, "exclusiveMinimum"))))
            {
                Add(path, scalar.String(), $"{path} in body should be greater than or equal to {schema["minimum"].String()}");
            }

            if (NumberOf(schema["maximum"]) is double most && (number > most || (number == most && IsTrue(schema, "exclusiveMaximum"))))
            {
                Add(path, scalar.String(), $"{path} in body should be less than or equal to {schema["maximum"].String()}");
            }
        }
    }

    private void VisitAlternatives(JsonNode? value, JsonObject schema, string path)
    {
        foreach (JsonObject part in schema.Objects("allOf"))
        {
            Visit(value, part, path);
        }

        int Valid(string key) => schema.Objects(key).Count(part => IsValid(value, part));
        // The path of these faults is in the message only.
        if (schema.ContainsKey("anyOf") && !IsTrue(schema, "x-kubernetes-int-or-string") && Valid("anyOf") == 0)
        {
            Add("<nil>", "\"\"", $"\"{path}\" must validate at least one schema (anyOf)");
        }

        if (schema.ContainsKey("oneOf") && Valid("oneOf") is int count and not 1)
        {
            string found = count == 0 ? "none valid" : $"{Figure(count)} valid alternatives";
            Add("<nil>", "\"\"", $"\"{path}\" must validate one and only one schema (oneOf). Found {found}");
        }

        if (schema["not"] is JsonObject not && IsValid(value, not))
        {
            Add("<nil>", "\"\"", $"\"{path}\" must not validate the schema (not)");
        }
    }

    private static bool IsValid(JsonNode? value, JsonObject schema)
    {
        var check = new CustomSchema();
        check.Visit(value, schema, "value");
        return check._causes.Count == 0;
    }

    private void AtLeast(JsonObject schema, string key, int count, string value, string path, string what, string have = "have")
    {
        if (count < NumberOf(schema[key]))
        {
            Add(path, value, $"{path} in body should {have} at least {schema[key].String()} {what}");
        }
    }

    private void AtMost(JsonObject schema, string key, int count, string value, string path, string what, string have = "have")
    {
        if (count > NumberOf(schema[key]))
        {
            Add(path, value, $"{path} in body should {have} at most {schema[key].String()} {what}");
        }
    }

    /// <summary>As Go prints the item, or its keys.</summary>
    private static string Duplicate(JsonNode? item, FieldType type) =>
        type.List == ListType.Set ? item.String() : $"map[string]interface {{}}{type.ElementOf(item)[2..]}";

    private void Add(string path, string value, string why) => _causes.Add(Cause.Invalid(path, value, why));

    private static bool HasType(JsonNode? value, JsonObject schema) => IsTrue(schema, "x-kubernetes-int-or-string")
        ? TypeOf(value) is "integer" or "string"
        : schema.Text("type") is not string type || TypeOf(value) == type || (type == "number" && TypeOf(value) == "integer");

    private static string TypeOf(JsonNode? value) => value?.GetValueKind() switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Number => NumberOf(value) % 1 == 0 ? "integer" : "number",
        _ => "null",
    };

    private static double? NumberOf(JsonNode? value) =>
        value?.GetValueKind() == JsonValueKind.Number ? double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture) : null;

    private static string Figure(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
