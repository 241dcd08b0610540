namespace EgressRouter.Config;

/// <summary>The levels of <c>log_level</c>, from least to most output.</summary>
internal enum LogLevel
{
    Panic,
    Error,
    Warning,
    Info,
    Verbose,
    Debug,
}
