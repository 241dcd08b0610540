using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cni;
using Serilog;

namespace EgressOperator.Gate;

/// <summary>
/// Keeps records in files, one for each sandbox, for the agent that comes after this one. They are below /run: after a restart of the node
/// there is neither a file nor a pod's network.
/// </summary>
/// <param name="folder">The folder, which is made if needed.</param>
internal sealed class PodRecordStore(string folder, ILogger log)
{
    private const string Suffix = ".json";

    /// <summary>The records of all pods, the newest first.</summary>
    public ImmutableArray<PodRecord> ReadAll() => !Directory.Exists(folder) ? [] :
        [.. new DirectoryInfo(folder).GetFiles("*" + Suffix).OrderByDescending(file => file.LastWriteTimeUtc).Select(Read)
            .OfType<PodRecord>()];

    /// <summary>Writes a record, in the place of the last one of this sandbox.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(PodRecord record)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string path = PathOf(record);
        // A file is whole or not there, also if the agent is killed meanwhile.
        File.WriteAllText(path + ".new", new JsonObject
        {
            ["container"] = record.Container,
            ["namespace"] = record.Namespace,
            ["name"] = record.Name,
            ["uid"] = record.Uid,
            ["addresses"] = Texts(record.Addresses),
            ["before"] = Texts(record.Before),
        }.ToJsonString());
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Deletes a record, if that is possible: one of a pod that is gone has no effect.</summary>
    public void Delete(PodRecord record)
    {
        try
        {
            File.Delete(PathOf(record));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            log.Debug("a record stays: {Failure:l}", [failure.Message]);
        }
    }

    private string PathOf(PodRecord record) => Path.Combine(folder, record.Container + Suffix);

    private PodRecord? Read(FileInfo file)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file.FullName));
            JsonElement root = document.RootElement;
            return new PodRecord(
                Text("container"), Text("namespace"), Text("name"), Text("uid"), Addresses("addresses"), Addresses("before"));

            string Text(string key) => JsonText.OfMember(root, key) ?? throw new FormatException($"{key} is missing");

            ImmutableArray<IPAddress> Addresses(string key) =>
                [.. root.GetProperty(key).EnumerateArray().Select(item => IPAddress.Parse(JsonText.Of(item) ?? ""))];
        }
        catch (Exception fault) when (fault is IOException or JsonException or FormatException or KeyNotFoundException
            or InvalidOperationException or UnauthorizedAccessException)
        {
            log.Warning("{File:l} is not read: {Fault:l}", [file.FullName, fault.Message]);
            return null;
        }
    }

    private static JsonArray Texts(ImmutableArray<IPAddress> addresses) =>
        new([.. addresses.Select(address => JsonValue.Create(address.ToString()))]);
}
