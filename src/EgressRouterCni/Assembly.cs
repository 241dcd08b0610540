using System.Runtime.CompilerServices;

// A test cannot fill a disk, but can open a stream on /dev/full.
[assembly: InternalsVisibleTo("EgressRouterCni.Tests")]

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
