using Cni;

namespace EgressRouter.Commands;

/// <summary>The plugin's own error codes; codes below 100 belong to the CNI specification.</summary>
public static class PluginErrorCode
{
    /// <summary>The kernel refused a step.</summary>
    public const CniErrorCode KernelRefused = (CniErrorCode)100;

    /// <summary>The interface name is taken, or remains of an earlier attachment exist.</summary>
    public const CniErrorCode InterfaceExists = (CniErrorCode)101;

    /// <summary>CHECK found differences from the desired state.</summary>
    public const CniErrorCode StateDiffers = (CniErrorCode)102;
}
