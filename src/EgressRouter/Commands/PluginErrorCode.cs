using Cni;

namespace EgressRouter.Commands;

/// <summary>The plugin's own error codes; those below 100 are the specification's.</summary>
public static class PluginErrorCode
{
    /// <summary>The kernel refused a step.</summary>
    public const CniErrorCode KernelRefused = (CniErrorCode)100;

    /// <summary>The name of the interface is taken, or left-overs of an earlier attachment are in the way.</summary>
    public const CniErrorCode InterfaceExists = (CniErrorCode)101;

    /// <summary>CHECK found the attachment different from what it should be.</summary>
    public const CniErrorCode StateDiffers = (CniErrorCode)102;
}
