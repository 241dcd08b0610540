using System.Text;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>The form of an answer that the client accepts: the objects, their metadata only, or a table for kubectl.</summary>
internal sealed class Representation
{
    private readonly Kind _kind;

    private readonly string _form;

    private readonly string _include;

    private Representation(Kind kind, string form, string include) => (_kind, _form, _include) = (kind, form, include);

    /// <exception cref="ApiError">The client accepts nothing that there is.</exception>
    public static Representation Of(ApiRequest request, Kind kind)
    {
        string include = request.Query.GetValueOrDefault("includeObject") ?? "Metadata";
        foreach (string type in request.Accept.Length == 0 ? ["*/*"] : request.Accept.Split(','))
        {
            string[] parts = [.. type.Split(';').Select(part => part.Trim())];
            string form = parts.FirstOrDefault(part => part.StartsWith("as=", StringComparison.Ordinal))?[3..] ?? "";
            bool isMeta = form is "Table" or "PartialObjectMetadata" or "PartialObjectMetadataList";
            bool isKnown = form.Length == 0 || (isMeta && parts.Contains("v=v1"));
            if (parts[0] is "application/json" or "application/*" or "*/*" && isKnown)
            {
                return new Representation(kind, form.StartsWith("Partial", StringComparison.Ordinal) ? "Partial" : form, include);
            }
        }

        throw new ApiError(406, "NotAcceptable", "only the following media types are accepted: application/json");
    }

    public byte[] One(Stored stored) => One(stored, true);

    /// <param name="hasHeader">Whether a table names its columns: in a watch only the first does.</param>
    public byte[] One(Stored stored, bool hasHeader) => _form switch
    {
        "Table" => Table(new JsonObject { ["resourceVersion"] = stored.Revision }, [stored], hasHeader).Bytes(),
        "Partial" => Partial(stored).Bytes(),
        _ => _kind.ReadJson(stored),
    };

    public byte[] One(JsonObject value) => _form == "" ? value.Bytes() : One(new Stored(value));

    public byte[] List(JsonObject metadata, IReadOnlyList<Stored> found)
    {
        switch (_form)
        {
            case "Table":
                return Table(metadata, found, true).Bytes();
            case "Partial":
                return new JsonObject
                {
                    ["kind"] = "PartialObjectMetadataList",
                    ["apiVersion"] = "meta.k8s.io/v1",
                    ["metadata"] = metadata,
                    ["items"] = new JsonArray([.. found.Select(Partial)]),
                }.Bytes();
        }

        if (_kind.IsCustom)
        {
            metadata["continue"] ??= "";
        }

        using var list = new MemoryStream();
        list.Write(Encoding.UTF8.GetBytes(
            $$"""{"kind":"{{_kind.ListName}}","apiVersion":"{{_kind.ApiVersion}}","metadata":{{metadata.String()}},"items":["""));
        // Items of Kubernetes' own kinds have neither kind nor apiVersion.
        int prefix = _kind.IsCustom ? 0 : $$"""{"kind":"{{_kind.Name}}","apiVersion":"{{_kind.ApiVersion}}",""".Length;
        for (int index = 0; index < found.Count; index++)
        {
            if (index > 0)
            {
                list.WriteByte((byte)',');
            }

            if (prefix > 0)
            {
                list.WriteByte((byte)'{');
            }

            list.Write(_kind.ReadJson(found[index]).AsSpan(prefix));
        }

        list.Write("]}\n"u8);
        return list.ToArray();
    }

    private JsonObject Table(JsonObject metadata, IReadOnlyList<Stored> rows, bool hasHeader)
    {
        Column name = new("Name", "string", "name", "", 0, value => value.Text("metadata", "name"));
        Column[] columns = _kind.Plural == "events" ? _kind.Columns : [name, .. _kind.Columns];
        return new JsonObject
        {
            ["kind"] = "Table",
            ["apiVersion"] = "meta.k8s.io/v1",
            ["metadata"] = metadata,
            ["columnDefinitions"] = new JsonArray([.. (hasHeader ? columns : []).Select(column => new JsonObject
            {
                ["name"] = column.Name,
                ["type"] = column.Type,
                ["format"] = column.Format,
                ["description"] = column.Description,
                ["priority"] = column.Priority,
            })]),
            ["rows"] = new JsonArray([.. rows.Select(row => Row(row, columns))]),
        };
    }

    private JsonObject Row(Stored stored, Column[] columns)
    {
        JsonObject value = _kind.Read(stored.Value);
        var row = new JsonObject { ["cells"] = new JsonArray([.. columns.Select(column => column.Cell(value))]) };
        if (_include != "None")
        {
            row["object"] = _include == "Object" ? value.DeepClone() : Partial(stored);
        }

        return row;
    }

    private static JsonObject Partial(Stored stored) => new()
    {
        ["kind"] = "PartialObjectMetadata",
        ["apiVersion"] = "meta.k8s.io/v1",
        ["metadata"] = stored.Value["metadata"]!.DeepClone(),
    };
}
