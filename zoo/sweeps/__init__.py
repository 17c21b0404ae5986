"""Many runs of a recipe with other settings each, of which validation picks one."""
