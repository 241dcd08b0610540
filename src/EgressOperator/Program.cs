NameService.UseNoSharedLibraries();
return Application.Start(args);
