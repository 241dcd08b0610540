namespace ApiServer.Tests;

/// <summary>A server for one test alone, with Widget and Gadget.</summary>
public abstract class OwnServer : IAsyncLifetime, IDisposable
{
    private Api? _api;

    internal Api Api => _api!;

    protected KubeApiServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Server = await KubeApiServer.Start();
        _api = new Api(Server.Url);
        await ServerFixture.Define(_api);
        Server.ForgetRequests();
    }

    public async Task DisposeAsync() => await Server.DisposeAsync();

    public void Dispose()
    {
        _api?.Dispose();
        GC.SuppressFinalize(this);
    }
}
