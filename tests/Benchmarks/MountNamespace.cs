using System.Diagnostics;
using System.Globalization;

namespace Benchmarks;

/// <summary>A mount namespace with so many mounts more than this program's. It ends with the process that holds it.</summary>
internal sealed class MountNamespace : IDisposable
{
    /// <summary>It ends when its standard input does: with this program, whatever ends that.</summary>
    private const string Script = """
        for i in $(seq "$0"); do mount --no-mtab --bind /mnt /mnt; done
        echo ready
        read -r end
        """;

    private readonly Process _holder;

    /// <summary>Makes the namespace.</summary>
    /// <param name="mounts">How many mounts more.</param>
    public MountNamespace(int mounts)
    {
        string count = mounts.ToString(CultureInfo.InvariantCulture);
        _holder = Process.Start(new ProcessStartInfo("unshare", ["--mount", "--propagation", "private", "sh", "-e", "-c", Script, count])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        if (_holder.StandardOutput.ReadLine() != "ready")
        {
            Dispose();
            throw new InvalidOperationException($"{mounts} mounts could not be made");
        }
    }

    /// <summary>What runs a program there.</summary>
    public string[] Enter => ["nsenter", string.Create(CultureInfo.InvariantCulture, $"--mount=/proc/{_holder.Id}/ns/mnt")];

    public void Dispose()
    {
        _holder.StandardInput.Close();
        _holder.WaitForExit();
        _holder.Dispose();
    }
}
