using System.Globalization;
using ApiServer;

// For trials by hand: dotnet run --project tests/ApiServer -- [PORT [KUBECONFIG]], then kubectl --kubeconfig KUBECONFIG ...
await using KubeApiServer server = await KubeApiServer.Start(int.Parse(args.ElementAtOrDefault(0) ?? "0", CultureInfo.InvariantCulture));
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
