using System.Net;
using System.Text.Json;
using Kubernetes;
using Serilog;

namespace EgressOperator.Controller;

/// <summary>
/// Whether the CustomResourceDefinition of a kind has a field. Server-side apply refuses an object with a field that the schema does not
/// have, and the cluster's definition may be another one than ours.
/// </summary>
/// <param name="path">The path of the field in an object: <c>status.conditions.type</c>.</param>
internal sealed class DeclaredField(IKubernetesApi api, Resource kind, string path, ILogger log)
{
    private static readonly Resource _definitions =
        new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition");

    /// <summary>As last looked up; true until then.</summary>
    public bool IsDeclared { get; private set; } = true;

    /// <summary>Looks it up. If the definition cannot be read, what was known stays.</summary>
    public async Task LookUpAsync(CancellationToken cancellation)
    {
        string name = $"{kind.Plural}.{kind.Group}";
        try
        {
            JsonElement definition = await api.GetAsync(_definitions, space: null, name, cancellation);
            JsonElement? version = (definition.Object("spec")?.Items("versions") ?? [])
                .Where(one => one.Text("name") == kind.Version).Select(one => (JsonElement?)one).FirstOrDefault();
            IsDeclared = version?.Object("schema")?.Object("openAPIV3Schema") is JsonElement schema && Has(schema, path.Split('.'));
        }
        catch (ApiException failure) when (failure.Code is HttpStatusCode.NotFound)
        {
            // The kind is served in another way, which may take any field.
        }
        catch (ApiException failure)
        {
            log.Warning("whether {Name:l} has {Field:l} is not known: {Failure:l}", [name, path, failure.Message]);
        }
    }

    /// <summary>Looks it up after a write that the API has refused: the definition may have become another one.</summary>
    public Task LookUpAfterAsync(ApiException failure, CancellationToken cancellation) =>
        failure.IsConflict || failure.Code is null ? Task.CompletedTask : LookUpAsync(cancellation);

    private static bool Has(JsonElement schema, ReadOnlySpan<string> names) =>
        names.IsEmpty || schema.IsTrue("x-kubernetes-preserve-unknown-fields")
        || (schema.Object("items") is JsonElement item && Has(item, names))
        || (schema.Object("properties")?.Object(names[0]) is JsonElement member && Has(member, names[1..]));
}
