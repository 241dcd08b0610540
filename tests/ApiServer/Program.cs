using System.Globalization;
using ApiServer;

// For trials by hand, and scripts/demo.sh: dotnet run --project tests/ApiServer -- [PORT [KUBECONFIG [FILE...]]], then
// kubectl --kubeconfig KUBECONFIG ... The FILEs have objects, with their status. KUBECONFIG is written when they are there.
await using KubeApiServer server = await KubeApiServer.Start(int.Parse(args.ElementAtOrDefault(0) ?? "0", CultureInfo.InvariantCulture));
foreach (string file in args.Skip(2))
{
    server.ApplyYaml(await File.ReadAllTextAsync(file));
}

if (args.ElementAtOrDefault(1) is string kubeconfig)
{
    server.WriteKubeconfig(kubeconfig);
}

Console.WriteLine(server.Url.OriginalString);
var end = new TaskCompletionSource();
using var interrupt = System.Runtime.InteropServices.PosixSignalRegistration.Create(
    System.Runtime.InteropServices.PosixSignal.SIGINT, context => { context.Cancel = true; end.TrySetResult(); });
using var terminate = System.Runtime.InteropServices.PosixSignalRegistration.Create(
    System.Runtime.InteropServices.PosixSignal.SIGTERM, context => { context.Cancel = true; end.TrySetResult(); });
await end.Task;
