using System.Runtime.Versioning;

namespace EgressRouter.Tools.Audit;

/// <summary>
/// A file that begins anew before it becomes longer than a limit. What it had until then is in the file with the ending <c>.1</c>, whose
/// predecessor is gone. So the name of the newest lines stays the same, and the disk holds at most twice the limit.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class RotatingFile : IDisposable
{
    private readonly string _path;

    private readonly long _mostBytes;

    private FileStream? _file;

    /// <summary>Opens it, or makes it so that only its owner may read it.</summary>
    /// <exception cref="IOException">It cannot be opened, or is no regular file.</exception>
    public RotatingFile(string path, long mostBytes)
    {
        (_path, _mostBytes) = (path, mostBytes);
        _file = Open();
    }

    /// <summary>Appends whole lines; of those that do not fit on the disk it keeps none.</summary>
    /// <exception cref="IOException">They cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> lines)
    {
        _file ??= Open();
        // Others may have cut it.
        long length = _file.Seek(0, SeekOrigin.End);
        if (length > 0 && length + lines.Length > _mostBytes)
        {
            _file.Dispose();
            _file = null;
            File.Move(_path, _path + ".1", overwrite: true);
            _file = Open();
            length = 0;
        }

        try
        {
            _file.Write(lines);
        }
        catch (IOException)
        {
            _file.SetLength(length);
            throw;
        }
    }

    public void Dispose() => _file?.Dispose();

    private FileStream Open()
    {
        // Renaming would rename the link, and what it leads to would never begin anew.
        if (new FileInfo(_path).LinkTarget is string target)
        {
            throw new IOException($"{_path} is a symbolic link to {target}");
        }

        var file = new FileStream(_path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        if (!file.CanSeek)
        {
            file.Dispose();
            throw new IOException($"{_path} is not a regular file");
        }

        return file;
    }
}
