using ApiServer;
namespace EgressOperator.Tests;

/// <summary>A test that needs a real API server; skipped without one. The name of its class contains RealServer.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RealServerFactAttribute : FactAttribute
{
    public RealServerFactAttribute() => Skip = RealApiServer.Assets is null ? RealApiServer.Missing : null;
}

/// <summary>As <see cref="RealServerFactAttribute"/>, for a table of cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RealServerTheoryAttribute : TheoryAttribute
{
    public RealServerTheoryAttribute() => Skip = RealApiServer.Assets is null ? RealApiServer.Missing : null;
}

/// <summary>As <see cref="RealServerFactAttribute"/>, for a test that makes a network namespace.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RealServerRootFactAttribute : FactAttribute
{
    public RealServerRootFactAttribute() => Skip = RealApiServer.Assets is null ? RealApiServer.Missing
        : Environment.IsPrivilegedProcess ? null : "a network namespace needs root";
}
