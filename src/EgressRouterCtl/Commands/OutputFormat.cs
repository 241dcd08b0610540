namespace EgressRouterCtl.Commands;

/// <summary>A command's output format.</summary>
internal enum OutputFormat
{
    Text,
    Json,
}
