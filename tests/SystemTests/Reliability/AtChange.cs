using System.Globalization;

namespace SystemTests.Reliability;

/// <summary>The tracer <c>at-change</c> for a program that runs on: it kills it before one of its changes of the kernel.</summary>
internal sealed class AtChange : IDisposable
{
    private static readonly Lazy<string> _program = new(() => AtCall.Build("at-change"));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("er-at-change-");

    /// <summary>How the program is to be started.</summary>
    public string[] Words => [_program.Value, Report, Limit];

    /// <summary>How many changes it has made.</summary>
    public int Count => File.Exists(Report) ? File.ReadLines(Report).Count() : 0;

    private string Report => Path.Combine(_folder.FullName, "report");

    private string Limit => Path.Combine(_folder.FullName, "limit");

    /// <summary>It is killed before this change of those that it has yet to make; the next one is number 1.</summary>
    public void KillBefore(int number)
    {
        // Renamed, so that the tracer never reads a part of it.
        File.WriteAllText(Limit + ".new", (Count + number - 1).ToString(CultureInfo.InvariantCulture));
        File.Move(Limit + ".new", Limit, overwrite: true);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
