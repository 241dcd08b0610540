using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kubernetes;

[JsonSerializable(typeof(JsonElement))]
internal sealed partial class ApiJson : JsonSerializerContext;
