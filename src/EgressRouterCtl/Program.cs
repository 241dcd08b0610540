return Application.Start(args);
