using System.Runtime.CompilerServices;

// A full disk cannot be had in a test, but a stream onto /dev/full can.
[assembly: InternalsVisibleTo("EgressRouterCni.Tests")]

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
